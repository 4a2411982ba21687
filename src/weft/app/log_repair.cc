#include "weft/app/log_repair.h"

#include "weft/app/evidence.h"
#include "weft/log/embedded/audit.h"

namespace weft::app {

base::result<LogRepairReport> repair_log(const std::filesystem::path& data, std::int64_t now_ms) {
  LogRepairReport out;
  const EvidenceDirectory evidence(data / "quarantine");
  const auto keep =
      [&](const std::vector<log::embedded::RebuiltCommit>& commits) -> base::result<void> {
    std::vector<Finding> findings;
    for (const auto& commit : commits) {
      findings.push_back({Finding::where::commit, commit.first, commit.end, commit.problem,
                          log_remedy, commit.key, commit.was});
    }
    auto place = evidence.keep_of_log(now_ms, findings);
    if (!place) return base::fail(std::move(place.error()));
    out.evidence = std::move(*place);
    return {};
  };
  const auto commits = log::embedded::repair_commits(data / "log", keep);
  if (!commits) return base::fail(base::error(commits.error()));
  for (const auto& commit : *commits) {
    out.steps.push_back("commit [" + std::to_string(commit.first) + ", " +
                        std::to_string(commit.end) + ") made anew");
  }
  return out;
}

}  // namespace weft::app
