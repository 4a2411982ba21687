#include "load/worker.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "load/edits.h"

namespace weft::bench {

namespace {

constexpr std::size_t connecting_max = 64;  ///< of all threads together
constexpr std::int64_t second_ns = 1'000'000'000;
/// Little, so that the server feels it; with much less the kernel drops the large segments of
/// loopback and sends them again a fifth of a second later.
constexpr int stalled_buffer_bytes = 256 * 1024;

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

}  // namespace

Worker::Worker(Fleet& fleet, std::size_t thread)
    : fleet_(fleet),
      options_(fleet.options),
      thread_(thread),
      mask_state_((fleet.seed + static_cast<std::uint32_t>(thread) * 0x9e3779b9U) | 1U),
      epoll_(epoll_create1(0)),
      read_buffer_(512 * 1024) {
  for (Client& client : fleet.clients) {
    if (client.thread == thread) own_.push_back(&client);
  }
}

Worker::~Worker() {
  if (epoll_ >= 0) close(epoll_);
}

void Worker::watch(Client& client, bool readable, bool writable, int operation) {
  epoll_event event{};
  event.events = (readable ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                 (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.ptr = &client;
  if (epoll_ctl(epoll_, operation, client.link.fd(), &event) != 0) lose(client);
}

bool Worker::start_one(Client& client) {
  std::string path = fleet_.server.path;
  if (const auto hole = path.find("{doc}"); hole != std::string::npos) {
    path.replace(hole, 5, fleet_.names[client.doc]);
  }
  if (!client.link.start(fleet_.server, path, client.stalled ? stalled_buffer_bytes : 0)) {
    return false;
  }
  client.waits_for_write = true;
  ++pending_;
  watch(client, true, true, EPOLL_CTL_ADD);
  return !client.lost;
}

bool Worker::connect_all() {
  const std::size_t pending_max = std::max<std::size_t>(1, connecting_max / fleet_.threads);
  std::int64_t progress = now_ns();
  std::size_t started = 0;
  while (ready_ < own_.size()) {
    const std::size_t seen = ready_;
    while (started < own_.size() && pending_ < pending_max) {
      if (!start_one(*own_[started++])) return false;
    }
    turn(second_ns / 10);
    if (ready_ != seen) progress = now_;
    if (report_.lost_connections != 0 || now_ - progress > 10 * second_ns) return false;
  }
  return true;
}

void Worker::run() {
  if (!connect_all()) fleet_.failed = true;
  ++fleet_.threads_ready;
  while (fleet_.begin_ns == 0 && !fleet_.failed) turn(second_ns / 100);
  if (fleet_.failed || options_.idle) {
    report_.whole = counts_;
    return;
  }

  while (now_ < fleet_.begin_ns) turn(fleet_.begin_ns - now_);
  window_begin_ns_ = fleet_.begin_ns + to_ns(options_.warmup_seconds);
  window_end_ns_ = window_begin_ns_ + to_ns(options_.seconds);
  begin_sending();
  drive(window_begin_ns_);
  const WorkerReport::Counts before = counts_;
  const ThreadUse use_before = own_thread_use();
  drive(window_end_ns_);
  const ThreadUse use_after = own_thread_use();
  report_.window = counts_ - before;
  report_.use = {use_after.ran_seconds - use_before.ran_seconds,
                 use_after.queued_seconds - use_before.queued_seconds};

  stopped_ = true;
  ++fleet_.threads_stopped;
  for (Client* client : own_) {
    if (client->stalled && !client->lost)
      watch(*client, true, client->waits_for_write, EPOLL_CTL_MOD);
  }
  while (fleet_.threads_stopped < fleet_.threads) turn(second_ns / 1000);
  drain();
  report_.drain_seconds = static_cast<double>(now_ - window_end_ns_) * 1e-9;
  report_.whole = counts_;
}

void Worker::begin_sending() {
  stopped_ = false;
  const std::int64_t begin = fleet_.begin_ns;
  interval_ns_ = options_.rate > 0 ? 1e9 / options_.rate : 0;
  skip_to_own_slot();
  for (Client* client : own_) {
    if (client->stalled) {
      watch(*client, false, client->waits_for_write, EPOLL_CTL_MOD);
      continue;
    }
    client->credit = options_.flat;
    if (client->credit > 0) mark_dirty(*client);
    if (options_.presence_hz > 0) {
      // Evenly over the interval, so that the clients do not all speak at once.
      const double share =
          static_cast<double>(client->index) / static_cast<double>(fleet_.clients.size());
      client->next_presence_ns = begin + to_ns(share / options_.presence_hz);
    }
  }
}

void Worker::drive(std::int64_t until_ns) {
  for (now_ = now_ns(); now_ < until_ns; now_ = now_ns()) {
    std::int64_t next = until_ns;
    if (options_.rate > 0) next = std::min(next, send_due_edits());
    if (options_.presence_hz > 0) next = std::min(next, send_due_presence());
    flush_dirty();
    turn(std::max<std::int64_t>(next - now_, 0));
  }
}

void Worker::skip_to_own_slot() {
  // Neighbours on the schedule are in different documents.
  const auto owner = [&] {
    return fleet_.at(slot_ % options_.docs, slot_ / options_.docs % fleet_.active_per_doc()).thread;
  };
  while (owner() != thread_) ++slot_;
}

std::int64_t Worker::send_due_edits() {
  for (;;) {
    const std::int64_t due =
        fleet_.begin_ns + static_cast<std::int64_t>(static_cast<double>(slot_) * interval_ns_);
    if (due > now_) return due;
    Client& client =
        fleet_.at(slot_ % options_.docs, slot_ / options_.docs % fleet_.active_per_doc());
    queue_edit(client, due);
    mark_dirty(client);
    ++slot_;
    skip_to_own_slot();
  }
}

std::int64_t Worker::send_due_presence() {
  // Clients take turns in the order of own_, which is the order in which they are due.
  for (;; next_presence_ = (next_presence_ + 1) % own_.size()) {
    Client& client = *own_[next_presence_];
    if (client.stalled) continue;
    if (client.next_presence_ns > now_) return client.next_presence_ns;
    SentTimes& sent = fleet_.sent[client.index].presence;
    sent.push(client.next_presence_ns);
    start_message(client);
    append_presence(message_, fleet_.first_id + client.index, sent.size());
    queue(client);
    mark_dirty(client);
    ++counts_.presence_sent;
    client.next_presence_ns += to_ns(1 / options_.presence_hz);
  }
}

bool Worker::drain() {
  // Every thread has stopped, so these sizes are final.
  std::vector<std::uint64_t> of_document(options_.docs);
  for (const Client& client : fleet_.clients) {
    of_document[client.doc] += fleet_.sent[client.index].edits.size();
  }
  for (const Client* client : own_) {
    report_.expected += of_document[client->doc] - fleet_.sent[client->index].edits.size();
  }
  if (acknowledges()) report_.acks_expected = counts_.sent;
  std::int64_t progress = now_ = now_ns();
  while (counts_.delivered < report_.expected || counts_.acked < report_.acks_expected) {
    const std::uint64_t seen = counts_.delivered + counts_.acked;
    flush_dirty();
    turn(second_ns / 10);
    now_ = now_ns();
    if (counts_.delivered + counts_.acked != seen) progress = now_;
    if (now_ - progress > to_ns(options_.drain_seconds)) return false;
  }
  return true;
}

void Worker::turn(std::int64_t wait_ns) {
  epoll_event events[512];
  const timespec timeout{wait_ns / second_ns, wait_ns % second_ns};
  const int n = epoll_pwait2(epoll_, events, 512, &timeout, nullptr);
  now_ = now_ns();
  for (int i = 0; i < n; ++i) {
    Client& client = *static_cast<Client*>(events[i].data.ptr);
    if (client.lost) continue;
    if ((events[i].events & EPOLLOUT) != 0) flush(client);
    if ((events[i].events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && !client.lost) {
      read_from(client);
    }
  }
  flush_dirty();
}

void Worker::read_from(Client& client) {
  const bool was_open = client.link.is_open();
  ++counts_.reads;
  // The time of the read, not of the turn: a turn of many reads is long.
  now_ = now_ns();
  const bool alive = client.link.read(
      read_buffer_, [&](byte_view message) { on_message(client, message); },
      [&](byte_view message) { on_text(client, message); });
  settle_latency();
  if (!was_open && client.link.is_open()) on_open(client);
  if (!alive) lose(client);
}

void Worker::on_open(Client& client) {
  if (options_.spoken == dialect::socketio) return;  // the server speaks first
  if (options_.spoken == dialect::none) {
    on_ready(client);
    return;
  }
  message_.clear();
  if (append_greeting(message_, options_.spoken, fleet_.names[client.doc])) queue(client);
  start_message(client);
  append_step1(message_);
  queue(client);
  mark_dirty(client);
}

void Worker::on_ready(Client& client) {
  if (client.ready) return;
  client.ready = true;
  ++ready_;
  --pending_;
}

void Worker::on_message(Client& client, byte_view message) {
  ++counts_.messages;
  if (acknowledges() && !std::exchange(client.conversation.payload_due, false)) {
    ++report_.malformed;
    return;
  }
  std::uint64_t id = 0;
  std::uint64_t clock = 0;
  std::uint64_t end = 0;
  if (read_edit(message, id, clock, end)) {
    on_range(client, id, clock, end);
    return;
  }
  read_messages(message, options_.spoken, [&](message_kind kind, byte_view body) {
    bool well_formed = kind != message_kind::malformed;
    if (kind == message_kind::step2 || kind == message_kind::update) {
      well_formed = read_update(body, [&](std::uint64_t i, std::uint64_t from, std::uint64_t to) {
        on_range(client, i, from, to);
      });
    } else if (kind == message_kind::awareness) {
      ++counts_.presence_messages;
      well_formed = read_presence(
          body, [&](std::uint64_t i, std::uint64_t at) { on_presence(client, i, at); });
    } else if (kind == message_kind::step1) {
      start_message(client);
      append_step2(message_);
      queue(client);
      mark_dirty(client);
    }
    if (kind == message_kind::step2 && !acknowledges()) on_ready(client);
    if (!well_formed) ++report_.malformed;
  });
}

void Worker::on_range(Client& receiver, std::uint64_t id, std::uint64_t clock, std::uint64_t end) {
  const std::uint64_t index = id - fleet_.first_id;
  if (index >= fleet_.clients.size() || options_.idle) {
    ++report_.malformed;
    return;
  }
  const std::size_t place = index - (receiver.index - receiver.place);
  if (place >= options_.clients_per_doc) {  // below the document's first client it wraps round
    ++report_.malformed;
    return;
  }
  if (index == receiver.index) return;  // some servers echo
  if (acknowledges() && !receiver.conversation.versioned) ++report_.misplaced;
  const SentTimes& sent = fleet_.sent[index].edits;
  std::uint32_t& expected = receiver.received[place];
  if (clock > expected) ++report_.gaps;
  if (clock < expected) {
    report_.duplicates += edits_in(std::min<std::uint64_t>(end, expected) - clock);
    clock = expected;
  }
  const std::uint64_t edits_end = edits_in(end);
  if (edits_end > sent.size()) {
    ++report_.malformed;
    return;
  }
  const std::uint64_t first = edits_in(clock);
  if (!receiver.stalled) {
    for (std::uint64_t edit = first; edit < edits_end; ++edit) count_latency(sent.at(edit));
  }
  if (edits_end > first) {
    counts_.delivered += edits_end - first;
    if (options_.flat != 0 && receiver.completes == index && !receiver.stalled) {
      Client& sender = fleet_.clients[index];
      sender.completed += edits_end - first;
      settle_edits(sender);
    }
  }
  expected = std::max(expected, static_cast<std::uint32_t>(end));
}

void Worker::on_presence(Client& receiver, std::uint64_t id, std::uint64_t clock) {
  const std::uint64_t index = id - fleet_.first_id;
  const std::size_t place = index - (receiver.index - receiver.place);
  if (index == receiver.index || options_.presence_hz == 0) return;
  if (index >= fleet_.clients.size() || place >= options_.clients_per_doc ||
      clock > fleet_.sent[index].presence.size()) {
    ++report_.malformed;
    return;
  }
  std::uint32_t& latest = receiver.presence_received[place];
  if (clock <= latest) return;
  latest = static_cast<std::uint32_t>(clock);
  ++counts_.presence_states;
  const std::int64_t sent_ns = fleet_.sent[index].presence.at(clock - 1);
  if (in_window(sent_ns)) report_.presence_age.add(now_ - sent_ns);
}

/// Gives a sender credit for what is not in flight any more: received and, where servers
/// acknowledge, acknowledged.
void Worker::settle_edits(Client& sender) {
  std::uint64_t settled = sender.completed;
  if (acknowledges()) settled = std::min(settled, sender.conversation.edits_acked());
  if (settled == sender.settled) return;
  sender.credit += settled - sender.settled;
  sender.settled = settled;
  if (!stopped_) mark_dirty(sender);
}

void Worker::count_latency(std::int64_t sent_ns) {
  if (sent_ns != latency_run_sent_) {
    settle_latency();
    latency_run_sent_ = sent_ns;
  }
  ++latency_run_;
}

void Worker::settle_latency() {
  if (latency_run_ != 0 && in_window(latency_run_sent_)) {
    report_.latency.add(now_ - latency_run_sent_, latency_run_);
  }
  latency_run_ = 0;
}

/// `ack`: the id by which the message is to be acknowledged, where servers do that.
void Worker::start_message(Client& client, std::optional<std::uint64_t> ack) {
  if (options_.spoken == dialect::socketio) return announce(client, ack);
  message_.clear();
  append_head(message_, options_.spoken, fleet_.names[client.doc]);
}

void Worker::queue(Client& client, opcode op) {
  mask_state_ ^= mask_state_ << 13;
  mask_state_ ^= mask_state_ >> 17;
  mask_state_ ^= mask_state_ << 5;
  client.link.queue(message_, mask_state_, op);
}

void Worker::queue_edit(Client& client, std::int64_t sent_ns) {
  SentTimes& sent = fleet_.sent[client.index].edits;
  start_message(client, Conversation::ack_of_edit(sent.size()));
  append_edit(message_, fleet_.first_id + client.index, sent.size() * options_.edit_chars,
              options_.edit_chars);
  sent.push(sent_ns);
  queue(client);
  ++counts_.sent;
}

void Worker::mark_dirty(Client& client) {
  if (client.queued) return;
  client.queued = true;
  dirty_.push_back(&client);
}

void Worker::flush_dirty() {
  if (dirty_.empty()) return;
  const std::int64_t sent = now_ns();
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Client& client = *dirty_[i];
    client.queued = false;
    if (client.lost) continue;
    for (; client.credit > 0 && !stopped_; --client.credit) queue_edit(client, sent);
    if (!client.waits_for_write) flush(client);
  }
  dirty_.clear();
}

void Worker::flush(Client& client) {
  if (!client.link.flush()) {
    lose(client);
    return;
  }
  const bool wait = client.link.has_unsent();
  if (wait == client.waits_for_write) return;
  client.waits_for_write = wait;
  watch(client, !client.stalled || stopped_, wait, EPOLL_CTL_MOD);
}

void Worker::lose(Client& client) {
  if (client.lost) return;
  client.lost = true;
  ++report_.lost_connections;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, client.link.fd(), nullptr);
}

}  // namespace weft::bench
