#include "load/worker.h"

namespace weft::bench {

WorkerReport::Counts WorkerReport::Counts::operator-(const Counts& other) const {
  return {sent - other.sent,
          delivered - other.delivered,
          acked - other.acked,
          messages - other.messages,
          reads - other.reads,
          presence_sent - other.presence_sent,
          presence_states - other.presence_states,
          presence_messages - other.presence_messages};
}

WorkerReport::Counts& WorkerReport::Counts::operator+=(const Counts& other) {
  sent += other.sent;
  delivered += other.delivered;
  acked += other.acked;
  messages += other.messages;
  reads += other.reads;
  presence_sent += other.presence_sent;
  presence_states += other.presence_states;
  presence_messages += other.presence_messages;
  return *this;
}

}  // namespace weft::bench
