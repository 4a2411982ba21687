#include "weft/hub/document_history.h"

#include <algorithm>

#include "weft/hub/errc.h"

namespace weft::hub {

namespace {

/// How much of the log one read brings.
constexpr std::size_t read_bytes = std::size_t{8} << 20;

/// What the records below `end` take; nothing when that is more than is left.
std::optional<std::size_t> cost(const log::record_batch& records, base::log_offset end,
                                std::size_t bytes_left) {
  std::size_t bytes = 0;
  for (const auto& entry : records) {
    if (entry.offset < end) bytes += entry.record.envelope.size();
  }
  return bytes > bytes_left ? std::nullopt : std::optional(bytes);
}

std::unexpected<base::error> too_long() {
  return base::fail(errc::too_large,
                    "the history in question is longer than may be replayed at once "
                    "(http.replay_bytes_max)");
}

}  // namespace

const char* describe(standing where) {
  switch (where) {
    case standing::known:
      return "known";
    case standing::unknown:
      return "unknown";
    case standing::ahead:
      return "ahead";
    case standing::other_log:
      return "other-log";
    case standing::trimmed:
      return "trimmed";
  }
  return "unknown";
}

struct DocumentHistory::Paging {
  base::DocumentId document;
  base::log_offset from;
  std::size_t count_max;
  std::size_t bytes_max;
  base::Executor& executor;
  log::callback<HistoryPage> done;
};

struct DocumentHistory::Replay {
  base::DocumentId document;
  base::log_offset version;
  base::log_offset next;
  base::shared_bytes state;
  std::size_t bytes_left;
  base::Executor& executor;
  log::callback<base::shared_bytes> done;
};

struct DocumentHistory::Learning {
  base::DocumentId document;
  base::log_offset next;
  base::log_offset end;
  yjs::Knowledge known;
  std::size_t bytes_left;
  base::Executor& executor;
  log::callback<yjs::IdSet> done;
};

base::error DocumentHistory::busy(base::WorkerPool::verdict why) {
  return why == base::WorkerPool::verdict::full
             ? base::error{make_error_code(errc::unavailable), "too many reads are waiting"}
             : base::error{make_error_code(errc::draining), "the server is shutting down"};
}

void DocumentHistory::locate(const base::DocumentId& document, VersionName version,
                             base::Executor& executor, log::callback<Located> done) {
  log_.end(
      document, executor,
      [this, document, version, &executor,
       done = std::move(done)](base::result<base::log_offset> end) mutable {
        if (!end) return done(base::fail(std::move(end.error())));
        Located out{standing::known, *end, log::identity_of(log_, document)};
        if (version.log && *version.log != out.log) {
          out.where = standing::other_log;
        } else if (version.offset >= *end) {
          out.where = standing::ahead;
        }
        if (out.where != standing::known) return done(out);
        log_.read(
            document, version.offset, 1, executor,
            [out, version, done = std::move(done)](base::result<log::ReadResult> read) mutable {
              if (!read && read.error().code != log::errc::trimmed) {
                return done(base::fail(std::move(read.error())));
              }
              if (!read) {
                out.where = standing::trimmed;
              } else if (read->records.empty() || read->records.front().offset != version.offset) {
                out.where = standing::unknown;
              }
              done(out);
            });
      });
}

void DocumentHistory::page(const base::DocumentId& document, base::log_offset from,
                           std::size_t count_max, std::size_t bytes_max, base::Executor& executor,
                           log::callback<HistoryPage> done) {
  read_page(std::make_shared<Paging>(
      Paging{document, from, count_max, bytes_max, executor, std::move(done)}));
}

void DocumentHistory::read_page(const std::shared_ptr<Paging>& paging) {
  log_.read(paging->document, paging->from, paging->bytes_max, paging->executor,
            [this, paging](base::result<log::ReadResult> read) {
              if (!read) return paging->done(base::fail(std::move(read.error())));
              work<HistoryPage>(
                  paging->executor, std::move(paging->done),
                  [document = paging->document, log = log::identity_of(log_, paging->document),
                   count_max = paging->count_max,
                   read = std::move(*read)]() -> base::result<HistoryPage> {
                    HistoryPage out;
                    out.log = log;
                    const std::size_t count = std::min(count_max, read.records.size());
                    out.edits.reserve(count);
                    for (std::size_t i = 0; i < count; ++i) {
                      auto edit = logged_edit(document, read.records[i]);
                      if (!edit) return base::fail(std::move(edit.error()));
                      out.edits.push_back(std::move(*edit));
                    }
                    const bool whole = count == read.records.size();
                    out.more = read.more || !whole;
                    out.next = whole ? read.next : read.records[count].offset;
                    return out;
                  });
            });
}

void DocumentHistory::snapshot(const base::DocumentId& document, base::Executor& executor,
                               log::callback<std::optional<StoredSnapshot>> done) {
  store_.load_snapshot(
      document, executor,
      [this, document, &executor,
       done = std::move(done)](base::result<std::optional<store::Snapshot>> loaded) mutable {
        if (!loaded) return done(base::fail(std::move(loaded.error())));
        if (!*loaded) return done(std::nullopt);
        log_.end(document, executor,
                 [this, document, snapshot = std::move(**loaded),
                  done = std::move(done)](base::result<base::log_offset> end) mutable {
                   if (!end) return done(base::fail(std::move(end.error())));
                   const bool fits = snapshot.log == log::identity_of(log_, document) &&
                                     snapshot.covered_end <= *end;
                   done(StoredSnapshot{std::move(snapshot), fits});
                 });
      });
}

void DocumentHistory::state_at(const base::DocumentId& document, base::log_offset version,
                               base::Executor& executor, log::callback<base::shared_bytes> done) {
  auto replaying = std::make_shared<Replay>(Replay{document,
                                                   version,
                                                   {},
                                                   base::shared_bytes::copy_of(yjs::empty_update()),
                                                   options_.replay_bytes_max,
                                                   executor,
                                                   std::move(done)});
  snapshot(document, executor, [this, replaying](base::result<std::optional<StoredSnapshot>> got) {
    if (!got) return replaying->done(base::fail(std::move(got.error())));
    if (*got && !(*got)->fits) {
      replaying->state = (*got)->snapshot.update;
    } else if (*got && (*got)->snapshot.covered_end.value <= replaying->version.value + 1) {
      replaying->next = (*got)->snapshot.covered_end;
      replaying->state = (*got)->snapshot.update;
    }
    replay(replaying);
  });
}

void DocumentHistory::replay(const std::shared_ptr<Replay>& replaying) {
  if (replaying->next > replaying->version) return replaying->done(std::move(replaying->state));
  log_.read(replaying->document, replaying->next, read_bytes, replaying->executor,
            [this, replaying](base::result<log::ReadResult> read) {
              if (!read) return replaying->done(base::fail(std::move(read.error())));
              const auto bytes =
                  cost(read->records, {replaying->version.value + 1}, replaying->bytes_left);
              if (!bytes) return replaying->done(too_long());
              replaying->bytes_left -= *bytes;
              const bool last = !read->more || read->next > replaying->version;
              replaying->next = read->next;
              work<base::shared_bytes>(
                  replaying->executor,
                  [this, replaying, last](base::result<base::shared_bytes> state) {
                    if (!state) return replaying->done(base::fail(std::move(state.error())));
                    replaying->state = std::move(*state);
                    if (last) return replaying->done(std::move(replaying->state));
                    replay(replaying);
                  },
                  [document = replaying->document, version = replaying->version,
                   state = std::move(replaying->state),
                   records = std::move(read->records)]() -> base::result<base::shared_bytes> {
                    std::vector<base::shared_bytes> updates{state};
                    for (const auto& entry : records) {
                      if (entry.offset > version) break;
                      auto edit = logged_edit(document, entry);
                      if (!edit) return base::fail(std::move(edit.error()));
                      updates.push_back(std::move(edit->update));
                    }
                    const std::vector<base::byte_view> views(updates.begin(), updates.end());
                    auto compacted = yjs::compact(views);
                    if (!compacted) return base::fail(errc::broken, compacted.error().message);
                    return base::shared_bytes::adopt(std::move(*compacted));
                  });
            });
}

void DocumentHistory::clocks_between(const base::DocumentId& document, base::log_offset from,
                                     base::log_offset end, base::Executor& executor,
                                     log::callback<yjs::IdSet> done) {
  learn(std::make_shared<Learning>(
      Learning{document, from, end, {}, options_.replay_bytes_max, executor, std::move(done)}));
}

void DocumentHistory::learn(const std::shared_ptr<Learning>& learning) {
  if (learning->next >= learning->end) return learning->done(std::move(learning->known.structs));
  log_.read(
      learning->document, learning->next, read_bytes, learning->executor,
      [this, learning](base::result<log::ReadResult> read) {
        if (!read) return learning->done(base::fail(std::move(read.error())));
        const auto bytes = cost(read->records, learning->end, learning->bytes_left);
        if (!bytes) return learning->done(too_long());
        learning->bytes_left -= *bytes;
        learning->next = read->more ? read->next : learning->end;
        work<yjs::Knowledge>(
            learning->executor,
            [this, learning](base::result<yjs::Knowledge> known) {
              if (!known) return learning->done(base::fail(std::move(known.error())));
              learning->known = std::move(*known);
              learn(learning);
            },
            [document = learning->document, end = learning->end, known = std::move(learning->known),
             records = std::move(read->records)]() mutable -> base::result<yjs::Knowledge> {
              for (const auto& entry : records) {
                if (entry.offset >= end) break;
                auto edit = logged_edit(document, entry);
                if (!edit) return base::fail(std::move(edit.error()));
                if (auto learned = yjs::learn(edit->update, known); !learned) {
                  return base::fail(errc::broken, learned.error().message);
                }
              }
              return std::move(known);
            });
      });
}

}  // namespace weft::hub
