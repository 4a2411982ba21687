#include "load/dialect.h"

namespace weft::bench {

namespace {

void append_string(byte_vector& out, std::string_view text) {
  append_var_uint(out, text.size());
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace

bool parse_dialect(std::string_view name, dialect& out) {
  if (name == "none") {
    out = dialect::none;
  } else if (name == "y") {
    out = dialect::y;
  } else if (name == "hocuspocus") {
    out = dialect::hocuspocus;
  } else if (name == "socketio") {
    out = dialect::socketio;
  } else {
    return false;
  }
  return true;
}

void append_head(byte_vector& out, dialect spoken, std::string_view document) {
  if (spoken == dialect::hocuspocus) append_string(out, document);
}

bool append_greeting(byte_vector& out, dialect spoken, std::string_view document) {
  if (spoken != dialect::hocuspocus) return false;
  append_string(out, document);
  out.insert(out.end(), {2, 0});  // Auth, Token
  append_string(out, "bench");
  return true;
}

void append_step1(byte_vector& out) { out.insert(out.end(), {0, 0, 1, 0}); }

void append_step2(byte_vector& out) { out.insert(out.end(), {0, 1, 2, 0, 0}); }

}  // namespace weft::bench
