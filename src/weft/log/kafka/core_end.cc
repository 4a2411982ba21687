// Where a document ends: known while it is followed, looked for from the back otherwise.

#include <algorithm>
#include <utility>

#include "weft/base/document_key.h"
#include "weft/log/kafka/core.h"

namespace weft::log::kafka {
namespace {

/// How each stretch that is looked through for a document's end grows over the one behind it.
constexpr std::uint64_t stretch_growth = 4;
constexpr std::uint64_t stretch_max = 64'000;

}  // namespace

void KafkaLog::Core::end(const base::DocumentId& document, base::Executor& executor,
                         callback<log_offset> done) {
  when_readable(document, [this, document, &executor,
                           done = std::move(done)](base::result<Readable> where) mutable {
    if (!where) {
      return executor.post([done = std::move(done), why = std::move(where.error())]() mutable {
        done(base::fail(std::move(why)));
      });
    }
    if (!where->partition) {
      return executor.post([done = std::move(done)]() mutable { done(log_offset{}); });
    }
    learn_end(document, executor, *where, std::move(done));
  });
}

void KafkaLog::Core::learn_end(const base::DocumentId& document, base::Executor& executor,
                               const Readable& where, callback<log_offset> done) {
  std::optional<std::uint64_t> known;
  std::uint64_t generation = 0;
  {
    const std::scoped_lock lock(mutex_);
    const auto entry = documents_.find(document);
    if (entry != documents_.end() && entry->second.partition == where.partition) {
      generation = entry->second.generation;
      if (entry->second.known_end) {
        known = std::max(*entry->second.known_end, entry->second.delivered_end);
      }
    }
  }
  if (known) {
    return executor.post(
        [done = std::move(done), end = *known]() mutable { done(log_offset{end}); });
  }
  auto search = std::make_unique<EndSearch>();
  search->where = where;
  search->key = base::document_key(document);
  search->below = where.limit;
  search->done = [this, document, &executor, where, generation,
                  done = std::move(done)](base::result<std::uint64_t> found) mutable {
    if (found && generation != 0) {
      const std::scoped_lock lock(mutex_);
      const auto entry = documents_.find(document);
      if (entry != documents_.end() && entry->second.generation == generation &&
          entry->second.subscribers > 0 && entry->second.partition == where.partition &&
          entry->second.partition->follow == Partition::state::following &&
          entry->second.tracked_from <= where.limit) {
        entry->second.known_end = *found;
        *found = std::max(*found, entry->second.delivered_end);
      }
    }
    executor.post([done = std::move(done), found = std::move(found)]() mutable {
      if (!found) return done(base::fail(std::move(found.error())));
      done(log_offset{*found});
    });
  };
  find_end(std::move(search));
}

void KafkaLog::Core::find_end(std::unique_ptr<EndSearch> search) {
  ReaderPool& readers = *search->where.partition->connection.readers;
  // A stretch at a time: others wait for the same readers.
  readers.submit([this, search = std::move(search)](Reader& reader) mutable {
    const Partition& partition = *search->where.partition;
    const auto range = reader.watermarks(partition.topic->name, partition.index);
    if (!range) return search->done(base::fail(base::error(range.error())));
    const std::uint64_t end = search->below;
    if (end <= range->first) return search->done(std::min(range->first, search->where.limit));
    const std::uint64_t from =
        end - range->first > search->stretch ? end - search->stretch : range->first;
    std::uint64_t found = 0;
    const auto scanned = reader.scan(partition.topic->name, partition.index, from, end,
                                     [&](const rd_kafka_message_t& message) {
                                       const auto headers = headers_of(message);
                                       const auto of = find_header(headers, document_header);
                                       if (of && base::as_text(*of) == search->key) {
                                         found = static_cast<std::uint64_t>(message.offset) + 1;
                                       }
                                       return true;
                                     });
    if (!scanned && scanned.error().code == errc::trimmed) {
      return find_end(std::move(search));  // it begins later by now
    }
    if (!scanned) return search->done(base::fail(base::error(scanned.error())));
    if (found != 0) return search->done(found);
    search->below = from;
    search->stretch = std::min(search->stretch * stretch_growth, stretch_max);
    find_end(std::move(search));
  });
}

}  // namespace weft::log::kafka
