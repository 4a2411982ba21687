#include "load/fleet.h"

#include <algorithm>
#include <random>

namespace weft::bench {

Fleet::Fleet(LoadOptions chosen) : options(std::move(chosen)) {
  url_is_valid = parse_url(options.url_pattern, server);
  std::random_device entropy;
  // Ids leave room for every client of this run and stay within 29 bits, as Yjs' own mostly do.
  first_id = 0x10000000U + (entropy() & 0x0ffffff0U);
  seed = entropy() | 1U;

  // Whole documents go to a thread where there are enough of them. Otherwise each thread gets a
  // block of every document's clients, of at least two that take part: so the client that completes
  // an edit is always on its sender's thread, and credit never crosses threads.
  const std::size_t active = active_per_doc();
  const std::size_t wanted = std::max<std::size_t>(1, options.threads);
  const bool by_document = options.docs >= wanted;
  threads = by_document ? wanted : std::clamp<std::size_t>(active / 2, 1, wanted);

  for (std::size_t doc = 0; doc < options.docs; ++doc) {
    names.push_back(options.doc_prefix + "-" + std::to_string(doc));
    if (options.spoken == dialect::socketio) socketio.emplace_back(names.back());
  }
  const std::size_t total = options.docs * options.clients_per_doc;
  sent = std::make_unique<Sent[]>(total);
  for (std::size_t i = 0; i < total; ++i) {
    Client& client = clients.emplace_back();
    client.index = i;
    client.doc = i / options.clients_per_doc;
    client.place = i % options.clients_per_doc;
    client.stalled = client.place >= active;
    const std::size_t block =
        client.stalled ? client.place % threads : client.place * threads / active;
    client.thread = by_document ? client.doc % threads : block;
    if (!options.idle) client.received.resize(options.clients_per_doc);
    if (options.presence_hz > 0) client.presence_received.resize(options.clients_per_doc);
  }
  for (Client& client : clients) {
    // The one before it in its block, the last for the first.
    const auto same_block = [&](std::size_t place) {
      return at(client.doc, place).thread == client.thread;
    };
    std::size_t place = client.place;
    if (client.stalled) continue;
    do {
      place = (place + active - 1) % active;
    } while (!same_block(place));
    client.completes = at(client.doc, place).index;
  }
}

}  // namespace weft::bench
