// Built in place of reader.cc where there is no cargo, or with -DWEFT_BRIDGE=OFF.
#include "weft/crdt/reader.h"

namespace weft::crdt {

namespace {

std::unexpected<base::error> absent() {
  return base::fail(errc::unsupported,
                    "this program was built without the document reader (rust/bridge); install "
                    "cargo (./dev setup does) and build again with -DWEFT_BRIDGE=ON");
}

}  // namespace

bool available() { return false; }

result<std::string> read_json(byte_view, const Limits&) { return absent(); }
result<std::string> read_text(byte_view, std::string_view, const Limits&) { return absent(); }
result<std::string> read_delta(byte_view, std::string_view, const Limits&) { return absent(); }
result<std::string> read_xml(byte_view, std::string_view, const Limits&) { return absent(); }
result<std::string> read_content(byte_view, const Limits&) { return absent(); }
result<bool> same_document(byte_view, std::span<const byte_view>, std::string*, const Limits&) {
  return absent();
}

}  // namespace weft::crdt
