#include "weft/log/op_log.h"

namespace weft::log {

const char* describe(errc code) {
  switch (code) {
    case errc::overloaded:
      return "the log has too much waiting; nothing was written";
    case errc::commit_unknown:
      return "the append may or may not be in the log";
    case errc::failed:
      return "the log can no longer append";
    case errc::disk_full:
      return "the disk is full; nothing was written";
    case errc::corrupt:
      return "stored bytes are not what was written";
    case errc::not_found:
      return "there are no such records";
    case errc::trimmed:
      return "the position was trimmed away";
    case errc::closed:
      return "the log is shutting down";
    case errc::too_large:
      return "the record exceeds the log's limit; nothing was written";
    case errc::unavailable:
      return "the log cannot be reached now";
    case errc::unsupported:
      return "this kind of log cannot do that";
    case errc::replaced:
      return "the log was recreated; positions in the old one say nothing";
  }
  return "unknown log error";
}

std::error_code make_error_code(errc code) {
  static const base::errc_category<errc> category{"log"};
  return {static_cast<int>(code), category};
}

}  // namespace weft::log
