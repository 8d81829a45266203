#include "edge/fanout.h"

#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "edge/framing.h"
#include "websocket/websocket.h"

namespace millrace::edge {
namespace {

// A turn's publications are joined up to this size; then the next frame begins. Clients read a
// frame as a whole, and many limit its size.
constexpr size_t kFrameBytesAim = 32UL * 1024;

constexpr metrics::Counter kBroadcast = metrics::Counter::kCompressedBroadcasts;

// Listeners whose first lines are on their way from memory while this one is served.
constexpr size_t kPrefetchAhead = 4;

void prefetch(const Listener* listener) {
  constexpr size_t kCacheLine = 64;
  __builtin_prefetch(listener);
  __builtin_prefetch(reinterpret_cast<const char*>(listener) + kCacheLine);
}

}  // namespace

LocalChannel* Fanout::find(std::string_view channel) const {
  return channels_.find(channel);
}

Fanout::Place Fanout::add(std::string_view name, Member member) {
  LocalChannel* found = channels_.find(name);
  if (found == nullptr) {
    found = &channels_.insert(std::make_unique<LocalChannel>(name, next_id_++));
    metrics_.add(metrics::Gauge::kLocalChannels, 1);
  }
  LocalChannel& channel = *found;
  channel.members_.push_back(std::move(member));
  return {&channel, static_cast<uint32_t>(channel.members_.size() - 1)};
}

void Fanout::remove(const Place& place) {
  LocalChannel& channel = *place.channel;
  MILLRACE_ASSERT(place.place < channel.members_.size());
  // The last one takes the free place.
  if (place.place + 1 < channel.members_.size()) {
    channel.members_[place.place] = std::move(channel.members_.back());
    channel.members_[place.place].listener->on_moved(channel, place.place);
  }
  channel.members_.pop_back();
  if (!channel.members_.empty()) return;
  channels_.erase(channel);
  metrics_.add(metrics::Gauge::kLocalChannels, -1);
}

// ---- Delivering ----

size_t Fanout::deliver(std::string_view name, std::span<const hub::Event> events) {
  size_t deliveries = 0;
  while (!events.empty()) {
    LocalChannel* const channel = find(name);
    if (channel == nullptr) break;
    if (events.front().kind == hub::Event::Kind::kInterruption) {
      interrupt(*channel);
      events = events.subspan(1);
      continue;
    }
    size_t count = 0;
    while (count < events.size() && count < kBatchMax &&
           events[count].kind != hub::Event::Kind::kInterruption) {
      ++count;
    }
    deliveries += deliver_batch(*channel, events.first(count));
    events = events.subspan(count);
  }
  metrics_.add(metrics::Counter::kDeliveries, deliveries);
  return deliveries;
}

size_t Fanout::deliver_batch(LocalChannel& channel, std::span<const hub::Event> events) {
  Batch batch{.events = events};
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind != hub::Event::Kind::kPublication) continue;
    batch.publications |= Mask{1} << i;
    if (!events[i].exclude.empty()) batch.excluding |= Mask{1} << i;
  }
  const Mask last = std::bit_floor(batch.publications);
  size_t deliveries = 0;
  for (size_t i = 0; i < channel.members_.size(); ++i) {
    if (i + kPrefetchAhead < channel.members_.size())
      prefetch(channel.members_[i + kPrefetchAhead].listener);
    Member& member = channel.members_[i];
    const Mask mask = wanted(member, batch);
    const Way way{member.variant, member.variant.delta && member.has_base, mask};
    if (last != 0) member.has_base = (mask & last) != 0;
    if (mask == 0) continue;
    const Encoded& mine = encoded(channel, batch, way);
    if (mine.messages > 0) member.listener->on_publications(mine.frames, mine.messages);
    deliveries += mine.publications;
    if (mine.cut_short) {
      metrics_.add(metrics::Counter::kDroppedNotJson,
                   static_cast<uint64_t>(std::popcount(mask)) - mine.messages);
      member.listener->on_not_json();
    }
  }
  return deliveries;
}

Fanout::Mask Fanout::wanted(const Member& member, const Batch& batch) {
  const size_t count = batch.events.size();
  const Mask all = count == kBatchMax ? ~Mask{0} : (Mask{1} << count) - 1;
  Mask mask = member.joins ? all : batch.publications;
  if (member.filter != nullptr) {
    for (Mask left = batch.publications; left != 0; left &= left - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(left));
      if (member.filter->matches(batch.events[i].publication.tags)) continue;
      mask &= ~(Mask{1} << i);
      metrics_.add(metrics::Counter::kDroppedFiltered);
    }
  }
  for (Mask left = batch.excluding & mask; left != 0; left &= left - 1) {
    const auto i = static_cast<size_t>(std::countr_zero(left));
    if (!member.listener->is_client(batch.events[i].exclude)) continue;
    mask &= ~(Mask{1} << i);
    metrics_.add(metrics::Counter::kDroppedExcluded);
  }
  return mask;
}

// Who has a position can't go on. Going changes the list, so it is copied.
void Fanout::interrupt(LocalChannel& channel) {
  std::vector<Listener*> positioned;
  for (const Member& member : channel.members_) {
    if (member.positioned) positioned.push_back(member.listener);
  }
  const std::string name = channel.name;
  for (Listener* const listener : positioned) listener->on_interrupted(name);
}

// ---- Encoding ----

const Fanout::Encoded& Fanout::encoded(const LocalChannel& channel, Batch& batch, const Way& way) {
  for (const auto& [made, result] : batch.encoded) {
    if (made == way) return result;
  }
  // So many ways are those of filters that agree in nothing: looking for another that wants the
  // same would cost more than it saves.
  if (batch.encoded.size() == kWaysMax) {
    batch.odd = encode(channel, batch, way);
    return batch.odd;
  }
  return batch.encoded.emplace_back(way, encode(channel, batch, way)).second;
}

Fanout::Encoded Fanout::encode(const LocalChannel& channel, const Batch& batch, const Way& way) {
  Encoded encoded;
  encoded.publications = static_cast<uint32_t>(std::popcount(way.mask & batch.publications));
  batch_.clear();
  frames_.clear();
  bool has_base = way.has_base;
  for (size_t i = 0; i < batch.events.size(); ++i) {
    const hub::Event& event = batch.events[i];
    const bool is_publication = event.kind == hub::Event::Kind::kPublication;
    const bool wanted = (way.mask >> i & 1U) != 0;
    if (wanted) {
      const bool json = way.variant.format == protocol::Format::kJson;
      if (json && is_publication && !event.publication.is_json) {
        encoded.cut_short = true;
        break;
      }
      if (!batch_.empty() && batch_.size() + event.publication.data.size() > kFrameBytesAim) {
        append_frame(frames_, way.variant, batch_, kBroadcast);
        batch_.clear();
      }
      append_event(channel, event, has_base && !event.patch.empty(), way.variant);
      ++encoded.messages;
      if (each_alone(way.variant.framing)) {
        if (way.variant.ids && is_publication)
          append_event_id(frames_, event.publication.offset, event.epoch, channel.name);
        append_frame(frames_, way.variant, batch_, kBroadcast);
        batch_.clear();
      }
    }
    if (is_publication) has_base = way.variant.delta && wanted;
  }
  if (batch_.empty() && frames_.empty()) return encoded;
  if (frames_.empty()) {
    encoded.frames = frame_of(way.variant, batch_, kBroadcast);
    return encoded;
  }
  if (!batch_.empty()) append_frame(frames_, way.variant, batch_, kBroadcast);
  encoded.frames = base::SharedBytes::copy_of(frames_);
  return encoded;
}

void Fanout::append_event(const LocalChannel& channel, const hub::Event& event, bool patched,
                          Variant variant) {
  const int64_t id = variant.compact ? channel.id() : 0;
  const auto append = [&](const protocol::PushBody& body) {
    protocol::append_push(variant.format, batch_, channel.name, body, id,
                          variant.bare ? protocol::Shape::kBare : protocol::Shape::kReply);
  };
  switch (event.kind) {
    case hub::Event::Kind::kPublication:
      return append(
          protocol::PublicationPush{.publication = event.publication,
                                    .patch = patched ? event.patch.view() : std::string_view(),
                                    .delta = variant.delta});
    case hub::Event::Kind::kJoin:
      return append(protocol::JoinPush{*event.publication.info});
    case hub::Event::Kind::kLeave:
      return append(protocol::LeavePush{*event.publication.info});
    case hub::Event::Kind::kInterruption:
      return;
  }
}

base::SharedBytes Fanout::frame_of(Variant variant, std::string_view messages,
                                   metrics::Counter compressed) const {
  if (!compresses(variant, messages)) return framed(variant, messages);
  std::string frame;
  append_frame(frame, variant, messages, compressed);
  return base::SharedBytes::copy_of(frame);
}

void Fanout::append_frame(std::string& out, Variant variant, std::string_view messages,
                          metrics::Counter compressed) const {
  if (!compresses(variant, messages)) return append_framed(out, variant, messages);
  const size_t before = out.size();
  const base::Result<> done = websocket::append_deflated(out, opcode_of(variant.format), messages,
                                                         compression_of(variant).level);
  if (!done) {
    base::log::error("compression failed, sending as it is", {{"error", done.error().message}});
    return append_framed(out, variant, messages);
  }
  metrics_.add(compressed);
  metrics_.add(metrics::Counter::kCompressionBefore, messages.size());
  metrics_.add(metrics::Counter::kCompressionAfter, out.size() - before);
}

}  // namespace millrace::edge
