// A node: its cores, each with its loop, broker, store, hub, edge and HTTP server, wired together.
// The only place that names a concrete broker or store.
//
// Made and run by main(); start() gives each core a thread; the calling one is free for signals.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/admin.h"
#include "api/api.h"
#include "app/options.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "edge/edge.h"
#include "metrics/metrics.h"
#include "net/net.h"

namespace millrace::app {

class Node {
 public:
  // Binds every address, so that what cannot be listened on is told before anything runs.
  static base::Result<std::unique_ptr<Node>> create(Options options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The addresses that are listened on, with the ports that were taken.
  const std::vector<net::Address>& addresses() const { return addresses_; }
  size_t workers() const { return workers_.size(); }
  const net::FileBudget& files() const { return files_; }

  void start();

  // The certificates for connections that come from now on. Only if Options::tls was set.
  void set_tls(const std::shared_ptr<const net::TlsContext>& context);

  // Closes every client with a code that makes it reconnect and lets requests finish; at the latest
  // after `shutdown_timeout` all threads have ended. True if everybody left in time. Blocks.
  bool drain();

 private:
  class Worker;
  explicit Node(Options options);

  base::Result<> open();
  base::Result<> listen();
  std::vector<admin::Component> components(const Worker& asked) const;
  // From any core.
  api::NodeInfo info() const;
  void collect_tables(Worker& asked,
                      std::move_only_function<void(std::vector<admin::Tables>)> done);

  const Options options_;
  const base::MonotonicTime started_ = base::monotonic_now();
  const net::FileBudget files_;
  metrics::Registry registry_;
  edge::Admission admission_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<base::Executor*> executors_;
  std::vector<net::Address> addresses_;
  std::atomic<size_t> empty_workers_{0};  // while draining: those whose connections have all gone
};

}  // namespace millrace::app
