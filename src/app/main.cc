// Parse, wire, run, drain.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "app/doctor_command.h"
#include "app/node.h"
#include "app/options.h"
#include "app/publish_command.h"
#include "app/token_commands.h"
#include "app/version.h"
#include "base/clock.h"
#include "base/log.h"
#include "bench/bench.h"
#include "config/config.h"

namespace millrace::app {
namespace {

namespace log = base::log;

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  if (!text.empty() && text.back() != '\n') std::fputc('\n', to);
}

// Signals are waited for by the main thread alone; the threads that it starts inherit the mask.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

using Certificates = std::shared_ptr<const net::TlsContext>;

// Reads the certificates anew. The tickets of the clients of `previous` stay good.
base::Result<Certificates> load_certificates(const config::Tls& tls, const Certificates& previous) {
  const auto loaded = config::load_tls(tls);
  if (!loaded) {
    return base::fail(base::ErrorCode::kInvalid,
                      loaded.error().key + ": " + loaded.error().message);
  }
  base::Result<Certificates> made = net::TlsContext::create(*loaded, previous.get());
  if (!made) return made;
  for (const std::string& certificate : (*made)->certificates())
    log::info("certificate", {{"is", certificate}});
  if (!loaded->ticket_keys.empty())
    log::info("session ticket keys", {{"files", loaded->ticket_keys.size()}});
  return made;
}

// What was kept stays in use if the new ones are not good.
void reload_certificates(const config::Tls& tls, Node& node, Certificates& kept) {
  if (kept == nullptr) return;
  base::Result<Certificates> made = load_certificates(tls, kept);
  if (!made) return log::error("certificates not reloaded", {{"problem", made.error().message}});
  kept = std::move(*made);
  node.set_tls(kept);
}

// SIGHUP: what can change in a running server does, and what cannot is named.
void reload(config::Invocation& invocation, Node& node, Certificates& certificates) {
  auto loaded = config::load(invocation.sources);
  if (!loaded) {
    for (const config::Problem& problem : loaded.error().errors) {
      log::error("configuration not reloaded", {{"problem", config::to_string(problem, "error")}});
    }
    return;
  }
  const config::Difference difference =
      config::reloadable_difference(invocation.config, loaded->config);
  for (const std::string& key : difference.needs_restart)
    log::warn("a changed key needs a restart", {{"key", key}});
  log::set_level(loaded->config.log.level);
  invocation.config.log.level = loaded->config.log.level;
  const bool enabled = invocation.config.http_server.tls.enabled;
  if (loaded->config.http_server.tls.enabled)
    reload_certificates(loaded->config.http_server.tls, node, certificates);
  invocation.config.http_server.tls = loaded->config.http_server.tls;
  invocation.config.http_server.tls.enabled = enabled;
  log::info("configuration reloaded", {{"changed", difference.live.size()},
                                       {"needs_restart", difference.needs_restart.size()}});
}

std::string shown(const net::Address& address, bool tls) {
  if (!address.unix_path.empty()) return address.to_string();
  const bool everywhere = address.host.empty() || address.host == "0.0.0.0" || address.host == "::";
  const net::Address to{
      .host = everywhere ? "localhost" : address.host, .port = address.port, .unix_path = {}};
  return (tls ? "https://" : "http://") + to.to_string();
}

void greet(const Node& node, const config::Config& config) {
  for (const net::Address& address : node.addresses())
    log::info("listening", {{"address", address.to_string()}});
  log::info("open files",
            {{"limit", node.files().limit()}, {"for_clients", node.files().connections_max()}});
  if (!config.dev) return;
  const std::string url = shown(node.addresses().front(), config.http_server.tls.enabled);
  print(stdout,
        "\n  Millrace " + std::string(kVersion) +
            " runs in --dev mode: everybody may do everything, so keep it to yourself.\n\n" +
            "    open      " + url + "/\n" + "    connect   ws" + url.substr(4) +
            config.websocket.handler_prefix + "\n" +
            "    publish   curl -d '{\"channel\":\"demo\",\"data\":{\"text\":\"hello\"}}' " + url +
            config.http_api.handler_prefix + "/publish\n");
  std::fflush(stdout);
}

int serve(config::Invocation& invocation) {
  const sigset_t signals = block_signals();
  const base::Result<> logging = log::configure(invocation.config.log);
  if (!logging) {
    print(stderr, "millrace: cannot open the log: " + logging.error().message);
    return kExitFailed;
  }
  for (const std::string& warning : invocation.warnings) log::warn(warning);
  Options options = options_from(invocation.config);
  Certificates certificates;
  if (const config::Tls& tls = invocation.config.http_server.tls; tls.enabled) {
    base::Result<Certificates> loaded = load_certificates(tls, nullptr);
    if (!loaded) {
      log::error("cannot start", {{"error", loaded.error().message}});
      return kExitFailed;
    }
    options.tls = certificates = std::move(*loaded);
  }
  base::Result<std::unique_ptr<Node>> made = Node::create(std::move(options));
  if (!made) {
    log::error("cannot start", {{"error", made.error().message}});
    return kExitFailed;
  }
  Node& node = **made;
  log::info("millrace", {{"version", kVersion},
                         {"pid", ::getpid()},
                         {"workers", node.workers()},
                         {"dev", invocation.config.dev}});
  node.start();
  greet(node, invocation.config);
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP)
    reload(invocation, node, certificates);
  log::info("stopping",
            {{"signal", signal}, {"timeout_ms", invocation.config.shutdown_timeout.count()}});
  // A second signal ends the process at once, for an operator who will not wait.
  std::thread([signals] {
    int again = SIGHUP;
    while (sigwait(&signals, &again) == 0 && again == SIGHUP) {
    }
    ::_exit(kExitFailed);
  }).detach();
  if (!node.drain()) log::warn("some connections were cut: shutdown.timeout passed");
  log::info("stopped");
  return 0;
}

int report(const CommandResult& result) {
  if (!result.error.empty()) print(stderr, result.error);
  if (!result.output.empty()) print(stdout, result.output);
  return result.exit_code;
}

int run(int argc, char** argv) {
  auto invocation = config::parse_command_line(argc, argv, environ);
  if (!invocation) {
    print(stderr, invocation.error().message);
    return invocation.error().exit_code;
  }
  const int64_t now = base::wall_clock_ms() / 1000;
  switch (invocation->command) {
    case config::Command::kServe:
      return serve(*invocation);
    case config::Command::kGenerateToken:
      return report(generate_token(*invocation, now));
    case config::Command::kCheckToken:
      std::signal(SIGPIPE, SIG_IGN);
      return report(check_token(*invocation, now));
    case config::Command::kBench:
      return bench::run_command(invocation->bench_words);
    case config::Command::kPublish:
      std::signal(SIGPIPE, SIG_IGN);
      return report(publish(*invocation, stdin));
    case config::Command::kDoctor:
      return report(doctor(*invocation, "/"));
    default:
      break;
  }
  for (const std::string& warning : invocation->warnings) print(stderr, warning);
  print(stdout, invocation->output);
  return 0;
}

}  // namespace
}  // namespace millrace::app

int main(int argc, char** argv) {
  return millrace::app::run(argc, argv);
}
