#include "app/doctor_command.h"

#include "doctor/doctor.h"
#include "net/net.h"

namespace millrace::app {
namespace {

constexpr int kExitNotMet = 1;

doctor::Plan plan_of(const config::Invocation& invocation) {
  const config::Config& config = invocation.config;
  return {.target = invocation.doctor.connections,
          .connection_limit = config.client.connection_limit,
          .open_files_reserve = config.open_files_reserve,
          .workers = config.workers,
          .listen_backlog = static_cast<uint64_t>(net::ListenOptions{}.backlog),
          .ping_interval = config.client.ping_interval,
          .tls = config.http_server.tls.enabled};
}

}  // namespace

CommandResult doctor(const config::Invocation& invocation, const std::string& root) {
  const doctor::Report report = doctor::judge(doctor::read_facts(root), plan_of(invocation));
  return {.exit_code = report.target_met() ? 0 : kExitNotMet,
          .output = invocation.doctor.json ? doctor::to_json(report) : doctor::to_text(report)};
}

}  // namespace millrace::app
