#include "weft/gateway/document_name.h"

#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

base::result<base::DocumentId> document_of_target(std::string target) {
  net::HttpRequest request;
  request.target = std::move(target);
  return document_of_request(request);
}

TEST(DocumentName, PathsOfYWebsocketClients) {
  const std::vector<std::pair<std::string, base::DocumentId>> cases{
      {"/notes", {"default", "notes", {}}},
      {"/team/notes", {"team", "notes", {}}},
      {"/team%2Fnotes", {"team", "notes", {}}},
      {"/ws/team/notes", {"team", "notes", {}}},
      {"/ws/notes", {"default", "notes", {}}},
      {"/ws/team/a/b", {"team", "a/b", {}}},
      {"/ws/t%C3%A9am/%E2%9C%93", {"t\u00e9am", "\u2713", {}}},
      {"/ws/team/notes?subdocument=part", {"team", "notes", "part"}},
      {"/notes?token=x&subdocument=a%2Fb", {"default", "notes", "a/b"}},
  };
  for (const auto& [path, document] : cases) {
    const auto found = document_of_target(path);
    ASSERT_TRUE(found) << path << ": " << found.error().message;
    EXPECT_EQ(*found, document) << path;
  }
}

TEST(DocumentName, BadPathsAreRefusedWithAReason) {
  const std::string long_name(base::document_name_bytes_max + 1, 'x');
  for (const std::string& path :
       {std::string("/"), std::string("/ws/"), std::string("/ws/team/"), std::string("//notes"),
        std::string("/a%2"), std::string("/a%00b"), std::string("/%FF"), "/" + long_name,
        std::string("/notes?subdocument="), std::string("/notes?subdocument=%2"),
        std::string("/notes?subdocument=%FF"), "/notes?subdocument=" + long_name}) {
    const auto found = document_of_target(path);
    ASSERT_FALSE(found) << path;
    EXPECT_FALSE(found.error().message.empty());
  }
}

TEST(DocumentName, NamesAreTakenAsTheyAre) {
  EXPECT_EQ(document_of_name("notes").value(), (base::DocumentId{"default", "notes", {}}));
  EXPECT_EQ(document_of_name("a%2Fb").value(), (base::DocumentId{"default", "a%2Fb", {}}));
  EXPECT_EQ(document_of_name("team/a/b").value(), (base::DocumentId{"team", "a/b", {}}));
  for (const char* name : {"", "/notes", "team/", "/"}) EXPECT_FALSE(document_of_name(name));
}

TEST(DocumentName, AnAddressFindsItsDocument) {
  for (const base::DocumentId& document : std::vector<base::DocumentId>{
           {"team", "notes", {}},
           {"ws", "a/b?c&d=%41", {}},
           {"t\u00e9am", "\u2713", "part/1?"},
           {"team", "notes", "a+b"},
       }) {
    const auto address = address_of(document);
    const auto found = document_of_address(address.text());
    ASSERT_TRUE(found) << address.text() << ": " << found.error().message;
    EXPECT_EQ(*found, document) << address.text();
    // As the path of a WebSocket and below /v1.
    EXPECT_EQ(document_of_target("/ws/" + address.text()).value(), document);
  }
}

}  // namespace
}  // namespace weft::gateway
