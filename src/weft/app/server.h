#pragma once

#include <memory>
#include <string>

#include "weft/app/config.h"
#include "weft/base/meter.h"

namespace weft::app {

/// A whole Weft node built from its configuration: the only place that names concrete drivers.
///
/// Order of construction is the order of dependencies: loops, log, store, hubs, gateways, sockets;
/// destruction goes the other way.
class Node {
 public:
  /// Opens log and store, binds the address and serves.
  /// `meter`, which outlives the node, counts what a followed edit uses; nullptr: nothing does.
  /// Errors: config, start, each with a sentence for the operator.
  static base::result<std::unique_ptr<Node>> start(const Config& config,
                                                   const base::Meter* meter = nullptr);

  /// Drains if that has not happened yet.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// "http://127.0.0.1:8787", or https:// with TLS
  const std::string& address() const;

  /// Takes the renewed certificate from the files of tls.certificate and tls.key for connections
  /// that come later, and reports it; on an error the old one stays. Any thread.
  void reload_certificate();

  /// Refuse, flush, withdraw presence, write snapshots, close. Blocks, at most about
  /// drain_timeout_ms. Returns false when the deadline passed first.
  bool drain();

 private:
  struct Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft::app
