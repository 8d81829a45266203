#include "edge/outbox.h"

#include <array>
#include <utility>

namespace millrace::edge {

void Outbox::push(base::SharedBytes frame, uint32_t messages) {
  if (frame.empty()) return;
  if (empty()) {
    single_ = std::move(frame);
    single_messages_ = messages;
    return;
  }
  to_queue();
  queue_->bytes += frame.size();
  if (messages > 0) queue_->publication_bytes += frame.size();
  queue_->items.push_back({std::move(frame), messages});
}

void Outbox::to_queue() {
  if (queue_ != nullptr) return;
  queue_ = std::make_unique<Queue>();
  queue_->bytes = single_.size();
  queue_->publication_bytes = single_messages_ > 0 ? single_.size() : 0;
  queue_->items.push_back({std::move(single_), single_messages_});
  single_ = {};
}

Outbox::Written Outbox::flush(net::Stream& stream) {
  Written result;
  while (!empty() && result.flushed == Flushed::kAll) {
    if (queue_ == nullptr) [[likely]] {
      const std::string_view part = single_.view();
      write(stream, {&part, 1}, result);
    } else {
      std::array<std::string_view, net::Stream::kPartsMax> parts;
      write(stream, std::span(parts).first(gather(parts)), result);
    }
  }
  return result;
}

// Offers the parts once, and adds what became of them to `result`.
void Outbox::write(net::Stream& stream, std::span<const std::string_view> parts, Written& result) {
  size_t offered = 0;
  for (const std::string_view part : parts) offered += part.size();
  const net::IoResult written = stream.write(parts);
  ++result.calls;
  if (written.status == net::IoResult::Status::kError) {
    result.flushed = Flushed::kFailed;
    return;
  }
  result.bytes += written.bytes;
  consume(written.bytes);
  if (written.bytes < offered) result.flushed = Flushed::kBlocked;
}

// The first parts of the queue; returns how many.
size_t Outbox::gather(std::span<std::string_view> parts) const {
  size_t count = 0;
  for (auto item = queue_->items.begin(); item != queue_->items.end() && count < parts.size();
       ++item) {
    parts[count++] = item->frame.view();
  }
  parts[0].remove_prefix(queue_->sent);
  return count;
}

void Outbox::consume(size_t bytes) {
  if (queue_ == nullptr) {
    if (bytes == single_.size()) {
      single_ = {};
      return;
    }
    if (bytes == 0) return;
    to_queue();
  }
  queue_->bytes -= bytes;
  queue_->sent += bytes;
  while (!queue_->items.empty() && queue_->sent >= queue_->items.front().frame.size()) {
    const Item& first = queue_->items.front();
    queue_->sent -= first.frame.size();
    if (first.messages > 0) queue_->publication_bytes -= first.frame.size();
    queue_->items.pop_front();
  }
  if (queue_->items.empty()) queue_.reset();
}

size_t Outbox::drop() {
  if (empty()) return 0;
  to_queue();
  Item first = std::move(queue_->items.front());
  size_t dropped = 0;
  queue_->items.pop_front();
  for (const Item& item : queue_->items) dropped += item.messages;
  queue_->items.clear();
  if (queue_->sent == 0) {
    queue_.reset();
    return dropped + first.messages;
  }
  queue_->bytes = first.frame.size() - queue_->sent;
  queue_->publication_bytes = first.messages > 0 ? first.frame.size() : 0;
  queue_->items.push_back(std::move(first));
  return dropped;
}

}  // namespace millrace::edge
