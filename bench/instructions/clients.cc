#include "bench/instructions/clients.h"

#include "base/assert.h"
#include "bench/instructions/messages.h"

namespace millrace::instructions {

void Clients::come(size_t count, const std::function<std::string(size_t client)>& channel,
                   bool counted) {
  MILLRACE_ASSERT(count % kAtOnce == 0);
  const size_t before = subscribe_frames_.size();
  for (size_t client = before; client < before + count; ++client) {
    const std::string name = channel(client);
    if (way_ == Way::kEvents)
      subscribe_frames_.push_back(events_request(name));
    else if (name.empty())
      subscribe_frames_.emplace_back();
    else
      subscribe_frames_.push_back(masked_frame(format_, subscribe_message(format_, 2, name)));
  }
  constexpr size_t kSteps = 3;
  const auto step = [this, before, request = upgrade_request(format_, way_ == Way::kCompressed),
                     connect = masked_frame(format_, connect_message(format_))](size_t turn) {
    const size_t first = before + turn / kSteps * kAtOnce;
    for (size_t client = first; client < first + kAtOnce; ++client) {
      if (way_ == Way::kEvents) {
        if (turn % kSteps != 0) continue;
        peers_.push_back(&node_.accept());
        peers_.back()->send(subscribe_frames_[client]);
        continue;
      }
      switch (turn % kSteps) {
        case 0:
          peers_.push_back(&node_.accept());
          peers_.back()->send(request);
          break;
        case 1:
          peers_[client]->send(connect);
          break;
        default:
          if (!subscribe_frames_[client].empty()) peers_[client]->send(subscribe_frames_[client]);
          break;
      }
    }
  };
  node_.then({.count = count / kAtOnce * kSteps, .counted = counted}, step);
}

}  // namespace millrace::instructions
