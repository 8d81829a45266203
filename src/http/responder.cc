#include <utility>

#include "base/assert.h"
#include "http/connection.h"

namespace millrace::http {

Responder::Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder taken(std::move(other));
  std::swap(state_, taken.state_);  // what was here goes with `taken`, and is answered there
  return *this;
}

Responder::~Responder() {
  if (state_ != nullptr && !state_->answered) send(Response::text(500, "no answer\n"));
}

void Responder::send(Response response) {
  MILLRACE_ASSERT(state_ != nullptr);
  MILLRACE_ASSERT(!state_->answered);
  state_->answered = true;
  state_->on_gone = nullptr;
  if (state_->connection != nullptr) state_->connection->answer(*state_, response);
}

void Responder::count_as(metrics::Transport transport) {
  MILLRACE_ASSERT(state_ != nullptr);
  state_->counted_as = transport;
}

std::optional<TakenStream> Responder::take_stream() {
  MILLRACE_ASSERT(state_ != nullptr);
  MILLRACE_ASSERT(!state_->answered);
  if (state_->connection != nullptr) {
    std::optional<TakenStream> taken = state_->connection->take_stream(*state_);
    if (taken) {
      state_->answered = true;
      return taken;
    }
  }
  send(Response::text(400, "this connection cannot be taken over\n"));
  return std::nullopt;
}

void Responder::on_gone(std::move_only_function<void()> on_gone) {
  MILLRACE_ASSERT(state_ != nullptr);
  state_->on_gone = std::move(on_gone);
}

bool Responder::gone() const {
  return state_ == nullptr || state_->connection == nullptr;
}

}  // namespace millrace::http
