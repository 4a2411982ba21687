#pragma once

#include <string>

#include "weft/base/ids.h"
#include "weft/base/result.h"

namespace weft::app {

/// What `weft doctor` is asked.
struct DoctorRequest {
  std::string data;
  std::string repair;       ///< a document's name, as in addresses: room/document; empty: none
  std::string restore;      ///< likewise
  std::string from;         ///< the backup, with `restore`
  bool repair_log = false;  ///< make commits that cannot be read anew, before all else
  bool json = false;
};

/// Exit codes of `weft doctor`, for scripts.
enum doctor_exit : int {
  doctor_clean = 0,
  doctor_problems = 1,
  doctor_usage = 2,
  doctor_repaired = 3
};

/// Looks through the data directory of a stopped server and prints what is wrong, where, and what
/// to do; repairs the log and the document that is named, where it is asked to. Returns a
/// doctor_exit.
int run_doctor(const DoctorRequest& request);

}  // namespace weft::app
