#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/base/bytes.h"
#include "weft/hub/options.h"
#include "weft/yjs/sync_protocol.h"

namespace weft::hub {

/// Who is present in a document: the latest awareness state of every client id.
///
/// Every visible change gets the next number of one sequence; a session holds the number up to
/// which it has been told. So presence is coalesced for slow readers without any queue.
/// An entry that arrives behind edits which are not durable yet stays hidden until they are.
/// Threading: the document's executor.
class AwarenessTable {
 public:
  explicit AwarenessTable(const HubOptions& options) : options_(options) {}

  /// Takes over one entry if its clock is newer (the rule of y-protocols), or withdraws it with the
  /// same one. The latter only the session may that holds it: clients also withdraw others with a
  /// known clock, because they themselves have lost sight of them. `visible_after` is the
  /// document's submission count that must have been committed first.
  /// Returns false when the table is full (clients, bytes) or the state too large.
  bool apply(const yjs::AwarenessEntry& entry, std::uint64_t session, std::uint64_t visible_after,
             std::uint64_t committed);

  /// Makes entries visible whose edits are committed. Returns true when something changed.
  bool release(std::uint64_t committed);

  /// Sets every client of the session to null. Returns true when something changed.
  bool withdraw(std::uint64_t session);

  /// The number of the last visible change.
  std::uint64_t last_change() const { return last_change_; }

  /// The awareness update with everything that changed after `seen`. `only_from` is set to the
  /// session when all of it comes from one (0: from several).
  base::byte_vector changes_since(std::uint64_t seen, std::uint64_t& only_from) const;

  /// Forgets clients that were withdrawn by change `upto` or before.
  void forget_withdrawn(std::uint64_t upto);

  bool empty() const { return clients_.empty(); }

 private:
  struct Client {
    std::uint64_t clock = 0;
    std::string state;
    std::uint64_t session = 0;
    std::uint64_t change = 0;
  };
  struct Waiting {
    yjs::client_id client;
    std::uint64_t clock;
    std::string state;
    std::uint64_t session;
    std::uint64_t visible_after;
  };

  bool put(const yjs::AwarenessEntry& entry, std::uint64_t session);
  bool has_room_for(const yjs::AwarenessEntry& entry) const;
  void assign(std::string& state, std::string_view with);

  const HubOptions& options_;
  std::unordered_map<yjs::client_id, Client> clients_;
  std::vector<Waiting> waiting_;
  std::size_t state_bytes_ = 0;  ///< of all states, waiting ones included
  std::uint64_t last_change_ = 0;
};

}  // namespace weft::hub
