#include "edge/fanout.h"

#include "base/assert.h"
#include "base/log.h"
#include "websocket/websocket.h"

namespace millrace::edge {
namespace {

// A turn's publications are joined up to this size; then the next frame begins. Clients read a
// frame as a whole, and many limit its size.
constexpr size_t kFrameBytesAim = 32UL * 1024;

Variant variant_at(size_t index) {
  return {static_cast<protocol::Format>(index / 2), index % 2 == 1};
}

}  // namespace

LocalChannel* Fanout::find(std::string_view channel) const {
  const auto found = channels_.find(channel);
  return found == channels_.end() ? nullptr : found->second.get();
}

Fanout::Place Fanout::add(std::string_view name, Listener& listener) {
  auto found = channels_.find(name);
  if (found == channels_.end()) {
    found = channels_.emplace(std::string(name), std::make_unique<LocalChannel>(name)).first;
    metrics_.add(metrics::Gauge::kLocalChannels, 1);
  }
  LocalChannel& channel = *found->second;
  channel.listeners_.push_back(&listener);
  ++channel.in_variant_[listener.variant().index()];
  return {&channel, static_cast<uint32_t>(channel.listeners_.size() - 1)};
}

void Fanout::remove(const Place& place) {
  LocalChannel& channel = *place.channel;
  MILLRACE_ASSERT(place.place < channel.listeners_.size());
  --channel.in_variant_[channel.listeners_[place.place]->variant().index()];
  // The last one takes the free place.
  channel.listeners_[place.place] = channel.listeners_.back();
  channel.listeners_.pop_back();
  if (place.place < channel.listeners_.size())
    channel.listeners_[place.place]->on_moved(channel, place.place);
  if (!channel.listeners_.empty()) return;
  channels_.erase(channels_.find(channel.name()));
  metrics_.add(metrics::Gauge::kLocalChannels, -1);
}

size_t Fanout::deliver(std::string_view name, std::span<const model::Publication> publications) {
  LocalChannel* const channel = find(name);
  if (channel == nullptr) return 0;
  std::array<Encoded, kVariants> encoded;
  size_t deliveries = 0;
  for (size_t i = 0; i < kVariants; ++i) {
    if (channel->in_variant_[i] == 0) continue;
    encoded[i] = encode(variant_at(i), name, publications);
    deliveries += static_cast<size_t>(encoded[i].messages) * channel->in_variant_[i];
  }
  for (Listener* listener : channel->listeners_) {
    const Encoded& mine = encoded[listener->variant().index()];
    if (mine.messages > 0) listener->on_publications(mine.frames, mine.messages);
    if (mine.cut_short) {
      metrics_.add(metrics::Counter::kDroppedNotJson, publications.size() - mine.messages);
      listener->on_not_json();
    }
  }
  metrics_.add(metrics::Counter::kDeliveries, deliveries);
  return deliveries;
}

Fanout::Encoded Fanout::encode(Variant variant, std::string_view channel,
                               std::span<const model::Publication> publications) {
  Encoded encoded;
  batch_.clear();
  frames_.clear();
  for (const model::Publication& publication : publications) {
    if (variant.format == protocol::Format::kJson && !publication.is_json) {
      encoded.cut_short = true;
      break;
    }
    if (!batch_.empty() && batch_.size() + publication.data.size() > kFrameBytesAim) {
      append_frame(frames_, variant, batch_);
      batch_.clear();
    }
    protocol::append_push(variant.format, batch_, channel, protocol::PublicationPush{publication});
    ++encoded.messages;
  }
  if (batch_.empty() && frames_.empty()) return encoded;
  const auto opcode = variant.format == protocol::Format::kJson ? websocket::Opcode::kText
                                                                : websocket::Opcode::kBinary;
  if (frames_.empty() && !variant.deflate) {
    std::array<char, websocket::kHeaderBytesMax> header;
    const size_t size = websocket::encode_header(opcode, batch_.size(), header);
    encoded.frames = base::SharedBytes::joined({{header.data(), size}, batch_});
    return encoded;
  }
  append_frame(frames_, variant, batch_);
  encoded.frames = base::SharedBytes::copy_of(frames_);
  return encoded;
}

void Fanout::append_frame(std::string& out, Variant variant, std::string_view message) const {
  const auto opcode = variant.format == protocol::Format::kJson ? websocket::Opcode::kText
                                                                : websocket::Opcode::kBinary;
  if (variant.deflate && message.size() >= options_.compression_bytes_min) {
    const base::Result<> compressed =
        websocket::append_deflated(out, opcode, message, options_.compression_level);
    if (compressed) return;
    base::log::error("compression failed, sending as it is",
                     {{"error", compressed.error().message}});
  }
  websocket::append_frame(out, opcode, message);
}

}  // namespace millrace::edge
