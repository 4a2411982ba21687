#include "weft/gateway/http/static_files.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "weft/gateway/http/problem.h"

namespace weft::gateway::http {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t total_bytes_max = 64u << 20;

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> content_types{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
}};

std::string content_type_of(const fs::path& path) {
  for (const auto& [ending, type] : content_types) {
    if (path.extension() == ending) return std::string(type);
  }
  return "application/octet-stream";
}

/// FNV-1a: tells versions of our own files apart, nothing more.
std::string etag_of(base::byte_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const auto byte : bytes) hash = (hash ^ byte) * 0x100000001b3ULL;
  return "\"" + std::to_string(hash) + "\"";
}

}  // namespace

StaticFiles StaticFiles::load(const std::string& directory, std::string& skipped) {
  StaticFiles out;
  std::error_code ec;
  std::uintmax_t total = 0;
  for (fs::recursive_directory_iterator it(directory, ec), end; !ec && it != end;
       it.increment(ec)) {
    if (!it->is_regular_file(ec)) continue;
    std::ifstream in(it->path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    total += text.size();
    if (!in || total > total_bytes_max) {
      skipped += it->path().string() + " ";
      continue;
    }
    const auto relative = fs::relative(it->path(), directory, ec).generic_string();
    out.files_["/" + relative] = {content_type_of(it->path()), etag_of(base::as_bytes(text)),
                                  relative.starts_with("assets/"),
                                  base::shared_bytes::copy_of(base::as_bytes(text))};
  }
  return out;
}

net::HttpResponse StaticFiles::serve(const net::HttpRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    auto response = problem(problems::bad_method, "files are read with GET");
    response.headers.push_back({"Allow", "GET, HEAD"});
    return response;
  }
  auto path = net::percent_decode(request.path());
  if (path && *path == "/") path = "/index.html";
  const auto found = path ? files_.find(*path) : files_.end();
  if (found == files_.end()) {
    return problem(problems::not_found,
                   files_.empty()
                       ? "nothing here; the page was not built (see web/README.md), the HTTP "
                         "interface is under /v1"
                       : "nothing here; the page is at /, the HTTP interface under /v1");
  }
  const File& file = found->second;
  net::HttpResponse response;
  response.headers.push_back({"ETag", file.etag});
  response.headers.push_back(
      {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"});
  if (request.header("If-None-Match") == file.etag) {
    response.status = 304;
    return response;
  }
  response.headers.push_back({"Content-Type", file.content_type});
  response.headers.push_back({"X-Content-Type-Options", "nosniff"});
  response.body = file.bytes;
  return response;
}

}  // namespace weft::gateway::http
