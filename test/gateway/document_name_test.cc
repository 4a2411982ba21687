#include "weft/gateway/document_name.h"

#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

TEST(DocumentName, PathsOfYWebsocketClients) {
  const std::vector<std::pair<std::string, base::DocumentId>> cases{
      {"/notes", {"default", "notes", {}}},
      {"/team/notes", {"team", "notes", {}}},
      {"/team%2Fnotes", {"team", "notes", {}}},
      {"/ws/team/notes", {"team", "notes", {}}},
      {"/ws/notes", {"default", "notes", {}}},
      {"/ws/team/a/b", {"team", "a/b", {}}},
      {"/ws/t%C3%A9am/%E2%9C%93", {"t\u00e9am", "\u2713", {}}},
  };
  for (const auto& [path, document] : cases) {
    const auto found = document_of_path(path);
    ASSERT_TRUE(found) << path << ": " << found.error().message;
    EXPECT_EQ(*found, document) << path;
  }
}

TEST(DocumentName, BadPathsAreRefusedWithAReason) {
  const std::string long_name(base::document_name_bytes_max + 1, 'x');
  for (const std::string& path :
       {std::string("/"), std::string("/ws/"), std::string("/ws/team/"), std::string("//notes"),
        std::string("/a%2"), std::string("/a%00b"), std::string("/%FF"), "/" + long_name}) {
    const auto found = document_of_path(path);
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

}  // namespace
}  // namespace weft::gateway
