#include "bench/postbox.h"

#include <utility>

namespace millrace::bench {

base::Result<std::unique_ptr<Postbox>> Postbox::create(std::vector<SocketAddress> servers) {
  std::unique_ptr<Postbox> made(new Postbox(std::move(servers)));
  auto engine = Engine::create(*made, {});
  if (!engine) return base::fail(engine);
  made->engine_ = std::move(*engine);
  return made;
}

Postbox::Postbox(std::vector<SocketAddress> servers)
    : servers_(std::move(servers)), clients_(servers_.size()) {
  for (Client& client : clients_) client.carriage = Carriage::kAnswers;
}

void Postbox::post(size_t server, std::string_view request) {
  Client& client = clients_[server];
  if (client.open())
    engine_->send(client, request);
  else
    engine_->connect(client, servers_[server], nullptr, request);
}

}  // namespace millrace::bench
