#include "load/generator.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "load/edits.h"

namespace weft::bench {

namespace {

constexpr std::size_t connecting_max = 64;
constexpr std::int64_t second_ns = 1'000'000'000;

std::int64_t to_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

}  // namespace

void Histogram::add(std::int64_t ns) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 1 << sub_bits));
  const int exponent = static_cast<int>(std::bit_width(value)) - 1 - sub_bits;
  const std::uint64_t bucket = (static_cast<std::uint64_t>(exponent) << sub_bits) +
                               ((value >> exponent) & ((1U << sub_bits) - 1));
  ++buckets_[bucket];
  ++count_;
}

double Histogram::quantile_ms(double q) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < rank || seen == 0) continue;
    const double base = static_cast<double>((i & ((1U << sub_bits) - 1)) | (1U << sub_bits));
    return std::ldexp(base + 0.5, static_cast<int>(i >> sub_bits)) * 1e-6;
  }
  return 0;
}

Generator::Generator(LoadOptions options)
    : options_(std::move(options)), epoll_(epoll_create1(0)), read_buffer_(512 * 1024) {
  std::random_device entropy;
  // Ids leave room for every client of this run and stay within 31 bits, as Yjs' own mostly do.
  first_id_ = 0x10000000U + (entropy() & 0x0ffffff0U);
  mask_state_ = entropy() | 1U;
  if (options_.writers_per_doc == 0) options_.writers_per_doc = options_.clients_per_doc;
}

Generator::~Generator() {
  clients_.clear();
  if (epoll_ >= 0) close(epoll_);
}

bool Generator::start_one(Client& client) {
  std::string path = server_.path;
  if (const auto hole = path.find("{doc}"); hole != std::string::npos) {
    path.replace(hole, 5, options_.doc_prefix + "-" + std::to_string(client.doc));
  }
  if (!client.link.start(server_, path)) return false;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.u64 = client.index;
  client.waits_for_write = true;
  ++pending_;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, client.link.fd(), &event) == 0;
}

bool Generator::connect_all() {
  if (!parse_url(options_.url_pattern, server_)) return false;
  const std::size_t total = options_.docs * options_.clients_per_doc;
  const std::int64_t begin = now_ns();
  std::int64_t progress = begin;
  std::size_t seen = 0;
  while (ready_ < total) {
    while (clients_.size() < total && pending_ < connecting_max) {
      Client& client = clients_.emplace_back();
      client.index = clients_.size() - 1;
      client.doc = client.index / options_.clients_per_doc;
      client.place = client.index % options_.clients_per_doc;
      if (!options_.idle) client.received.resize(options_.clients_per_doc);
      if (!start_one(client)) return false;
    }
    turn(second_ns / 10);
    if (ready_ != seen) progress = now_;
    seen = ready_;
    if (report_.lost_connections != 0 || now_ - progress > 10 * second_ns) return false;
  }
  report_.connections = total;
  report_.connect_seconds = static_cast<double>(now_ns() - begin) * 1e-9;
  return true;
}

bool Generator::run(LoadReport& report) {
  report_.server_before = process_use(options_.server_pid);
  if (!connect_all()) {
    report = report_;
    return false;
  }
  if (options_.idle) {
    settle(options_.seconds);
    report_.server_after = process_use(options_.server_pid);
    report = report_;
    return true;
  }

  const std::int64_t begin = now_ns();
  if (options_.rate > 0) {
    interval_ns_ = 1e9 / options_.rate;
    next_send_ns_ = static_cast<double>(begin);
  } else {
    for (Client& client : clients_) {
      if (client.place >= options_.writers_per_doc) continue;
      client.credit = options_.flat;
      mark_dirty(client);
    }
  }
  drive(begin + to_ns(options_.warmup_seconds));

  const LoadReport before = report_;
  const std::uint64_t messages_before = messages_;
  const std::uint64_t reads_before = reads_;
  const ProcessUse server_begin = process_use(options_.server_pid);
  const ProcessUse own_begin = process_use(getpid());
  const MachineUse machine_begin = machine_use();
  window_begin_ns_ = now_ns();
  drive(window_begin_ns_ + to_ns(options_.seconds));
  window_end_ns_ = now_ns();
  const ProcessUse own_end = process_use(getpid());
  report_.server_after = process_use(options_.server_pid);
  report_.window_seconds = static_cast<double>(window_end_ns_ - window_begin_ns_) * 1e-9;
  report_.server_cpu_seconds = report_.server_after.cpu_seconds - server_begin.cpu_seconds;
  report_.own_cpu_seconds = own_end.cpu_seconds - own_begin.cpu_seconds;
  const MachineUse machine_end = machine_use();
  report_.steal_cores =
      (machine_end.steal_seconds - machine_begin.steal_seconds) / report_.window_seconds;
  report_.other_cores = (machine_end.busy_seconds - machine_begin.busy_seconds -
                         report_.server_cpu_seconds - report_.own_cpu_seconds) /
                        report_.window_seconds;
  report_.window_sent = report_.sent - before.sent;
  report_.window_delivered = report_.delivered - before.delivered;
  report_.window_messages = messages_ - messages_before;
  report_.window_reads = reads_ - reads_before;

  stopped_ = true;
  drain();
  report_.drain_seconds = static_cast<double>(now_ - window_end_ns_) * 1e-9;
  report_.p50_ms = latency_.quantile_ms(0.5);
  report_.p99_ms = latency_.quantile_ms(0.99);
  report = report_;
  return true;
}

void Generator::settle(double seconds) {
  const std::int64_t end = now_ns() + to_ns(seconds);
  while (now_ns() < end) turn(second_ns / 10);
}

void Generator::drive(std::int64_t until_ns) {
  for (now_ = now_ns(); now_ < until_ns; now_ = now_ns()) {
    std::int64_t wait = until_ns - now_;
    if (options_.rate > 0) {
      while (next_send_ns_ <= static_cast<double>(now_)) {
        // Neighbours on the schedule are in different documents.
        const std::size_t doc = next_writer_ % options_.docs;
        const std::size_t place = next_writer_ / options_.docs % options_.writers_per_doc;
        ++next_writer_;
        Client& client = at(doc, place);
        queue_edit(client, static_cast<std::int64_t>(next_send_ns_));
        mark_dirty(client);
        next_send_ns_ += interval_ns_;
      }
      wait = std::min(wait, static_cast<std::int64_t>(next_send_ns_) - now_);
    }
    flush_dirty();
    turn(std::max<std::int64_t>(wait, 0));
  }
}

bool Generator::drain() {
  report_.expected = report_.sent * (options_.clients_per_doc - 1);
  std::int64_t progress = now_ = now_ns();
  std::uint64_t seen = report_.delivered;
  while (report_.delivered < report_.expected) {
    flush_dirty();
    turn(second_ns / 10);
    now_ = now_ns();
    if (report_.delivered != seen) progress = now_;
    seen = report_.delivered;
    if (now_ - progress > to_ns(options_.drain_seconds)) return false;
  }
  return true;
}

void Generator::turn(std::int64_t wait_ns) {
  epoll_event events[512];
  const timespec timeout{wait_ns / second_ns, wait_ns % second_ns};
  const int n = epoll_pwait2(epoll_, events, 512, &timeout, nullptr);
  now_ = now_ns();
  for (int i = 0; i < n; ++i) {
    Client& client = clients_[events[i].data.u64];
    if (client.lost) continue;
    if ((events[i].events & EPOLLOUT) != 0) flush(client);
    if ((events[i].events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && !client.lost) {
      read_from(client);
    }
  }
  flush_dirty();
}

void Generator::read_from(Client& client) {
  const bool was_open = client.link.is_open();
  ++reads_;
  // The time of the read, not of the turn: a turn of many reads is long.
  now_ = now_ns();
  const bool alive = client.link.read(read_buffer_, [&](byte_view message) {
    ++messages_;
    read_messages(
        message,
        [&](std::uint64_t id, std::uint64_t clock, std::uint64_t end) {
          on_range(client, id, clock, end);
        },
        [&](message_kind kind) {
          if (kind == message_kind::malformed) ++report_.malformed;
          if (kind == message_kind::step1) {
            message_.clear();
            append_step2(message_);
            client.link.queue(message_, mask_state_);
            mark_dirty(client);
          }
          if (kind == message_kind::step2 && !client.ready) {
            client.ready = true;
            ++ready_;
            --pending_;
          }
        });
  });
  if (!was_open && client.link.is_open()) {
    if (options_.sync) {
      message_.clear();
      append_step1(message_);
      client.link.queue(message_, mask_state_);
      mark_dirty(client);
    } else {
      client.ready = true;
      ++ready_;
      --pending_;
    }
  }
  if (!alive) lose(client);
}

void Generator::on_range(Client& receiver, std::uint64_t id, std::uint64_t clock,
                         std::uint64_t end) {
  const std::uint64_t index = id - first_id_;
  if (index >= clients_.size() || clients_[index].doc != receiver.doc || options_.idle) {
    ++report_.malformed;
    return;
  }
  if (index == receiver.index) return;  // some servers echo
  Client& sender = clients_[index];
  std::uint32_t& expected = receiver.received[sender.place];
  if (clock > expected) ++report_.gaps;
  if (clock < expected) {
    report_.duplicates += std::min<std::uint64_t>(end, expected) - clock;
    clock = expected;
  }
  if (end > sender.sent_ns.size()) {
    ++report_.malformed;
    return;
  }
  const bool completes =
      options_.flat != 0 && receiver.place == (sender.place + 1) % options_.clients_per_doc;
  for (; clock < end; ++clock) {
    ++report_.delivered;
    const std::int64_t sent = sender.sent_ns[clock];
    if (sent >= window_begin_ns_ && sent < window_end_ns_) latency_.add(now_ - sent);
    if (completes) ++sender.credit;
  }
  expected = std::max(expected, static_cast<std::uint32_t>(end));
  if (completes && !stopped_) mark_dirty(sender);
}

void Generator::queue_edit(Client& client, std::int64_t sent_ns) {
  message_.clear();
  append_edit(message_, first_id_ + client.index, client.sent_ns.size());
  mask_state_ ^= mask_state_ << 13;
  mask_state_ ^= mask_state_ >> 17;
  mask_state_ ^= mask_state_ << 5;
  client.link.queue(message_, mask_state_);
  client.sent_ns.push_back(sent_ns);
  ++report_.sent;
}

void Generator::mark_dirty(Client& client) {
  if (client.queued) return;
  client.queued = true;
  dirty_.push_back(&client);
}

void Generator::flush_dirty() {
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

void Generator::flush(Client& client) {
  if (!client.link.flush()) {
    lose(client);
    return;
  }
  const bool wait = client.link.has_unsent();
  if (wait == client.waits_for_write) return;
  client.waits_for_write = wait;
  epoll_event event{};
  event.events = EPOLLIN | (wait ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = client.index;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, client.link.fd(), &event);
}

void Generator::lose(Client& client) {
  if (client.lost) return;
  client.lost = true;
  ++report_.lost_connections;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, client.link.fd(), nullptr);
}

}  // namespace weft::bench
