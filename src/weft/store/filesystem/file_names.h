#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/base/ids.h"

/// Names of files for names of any bytes: lower case, `%`, `+`, `~`, digits, `-` and `_` only, at
/// most 200 bytes, the same on every machine. Different names have different files; of long ones a
/// hash stands for the rest. Source: docs/formats/snapshot.md, "File names".
namespace weft::store::filesystem {

inline constexpr std::size_t file_name_bytes_max = 200;

std::string document_file_name(const base::DocumentId& document);

/// The inverse for names that were written in full; nullopt for long ones and for what
/// document_file_name cannot have made.
std::optional<base::DocumentId> document_of_file_name(std::string_view file_name);

/// Of a blob's location: its parts, as `/` separates them, like those of a document.
std::string location_file_name(std::string_view location);

/// As document_of_file_name.
std::optional<std::string> location_of_file_name(std::string_view file_name);

}  // namespace weft::store::filesystem
