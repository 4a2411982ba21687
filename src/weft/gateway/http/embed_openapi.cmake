# Writes a text file as a C++ function: cmake -D IN=… -D OUT=… -P embed_openapi.cmake
file(READ ${IN} text)
file(WRITE ${OUT} "#include \"weft/gateway/http/openapi.h\"\n
namespace weft::gateway::http {
std::string_view openapi_yaml() {
  return R\"openapi(${text})openapi\";
}
}  // namespace weft::gateway::http
")
