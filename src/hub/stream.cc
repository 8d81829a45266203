// Positions: what was passed on last of a channel's log, and how a subscriber gets there.
//
// The log is the truth; the bell may ring twice, late, or not at all. The home core passes on each
// entry once, in order, to all subscribers, and remembers the last one: the cursor.
//
//   a bell's offset            -> what happens
//   the cursor's or before it  -> nothing: it was passed on already
//   the one after the cursor   -> advance(): passed on
//   a later one                -> fill(): the log is read from the cursor on, and passed on
//   (of another epoch)         -> reset(): the log was made anew; who has a position subscribes again
//
// A subscriber's read of the log ends somewhere. If that is at the cursor, it is one of all from
// there on; if it is before the cursor, what was passed on since it was asked was held, and is added
// (caught_up(), resume()); if it is behind it, the bell is late, and we go there first (fill()).
// So it gets everything up to the cursor in the answer, and all that comes after it, once.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {
namespace {

constexpr size_t kFillAtOnce = 1'000;
constexpr size_t kHeldMax = 10'000;

size_t bytes_of(const std::vector<model::Publication>& publications) {
  size_t sum = 0;
  for (const model::Publication& publication : publications) sum += publication.data.size();
  return sum;
}

}  // namespace

// ---- Bells ----

void Home::on_published(std::string_view channel, Record& record,
                        const broker::Published& published) {
  const model::Offset offset = published.publication.offset;
  Stream* const stream = record.stream.get();
  // Nobody has a position, or this publication has none.
  if (stream == nullptr || offset.value() == 0 || !stream->known)
    return advance(channel, record, published);
  if (stream->filling) return;  // the log has it
  if (published.epoch != stream->cursor.epoch) {
    // It is the new log's first, or was not heard from its beginning.
    reset(channel, record, {published.epoch, model::Offset{offset.value() - 1}});
    return advance(channel, record, published);
  }
  if (offset <= stream->cursor.offset) return metrics().add(metrics::Counter::kBellsRepeated);
  if (offset.value() == stream->cursor.offset.value() + 1)
    return advance(channel, record, published);
  metrics().add(metrics::Counter::kGapsFound);
  fill(channel, record);
}

void Home::advance(std::string_view channel, Record& record, const broker::Published& published) {
  const model::Publication& publication = published.publication;
  Stream* const stream = record.stream.get();
  if (stream != nullptr && publication.offset.value() != 0) {
    stream->cursor = {published.epoch, publication.offset};
    stream->known = true;
    turn_reads_.forget(channel);
    if (stream->joining > 0) {
      stream->held_all = stream->held_all && stream->held.size() < kHeldMax;
      if (stream->held_all) stream->held.push_back(publication);
    }
  }
  pass_on(channel, record,
          {.kind = Event::Kind::kPublication,
           .publication = publication,
           .patch = patch(record, publication, published.delta),
           .exclude = published.exclude});
}

void Home::fill(std::string_view channel, Record& record) {
  Stream& stream = *record.stream;
  if (std::exchange(stream.filling, true)) return;
  hub_.parts_.store.read(
      channel, record.options->log,
      {.since = stream.cursor.offset, .limit = kFillAtOnce, .reverse = false},
      [this, name = std::string(channel)](const base::Result<store::Page>& page) {
        on_filled(name, page);
      });
}

void Home::on_filled(const std::string& channel, const base::Result<store::Page>& page) {
  const auto found = records_.find(channel);
  if (found == records_.end() || found->second.stream == nullptr) return;
  Record& record = found->second;
  Stream& stream = *record.stream;
  stream.filling = false;
  if (!page) {
    base::log::warn("a gap could not be read",
                    {{"channel", channel}, {"error", page.error().message}});
    stream.known = false;
    interrupt(channel, record);
  } else {
    const auto& missed = page->publications;
    const uint64_t next = stream.cursor.offset.value() + 1;
    const bool whole = page->top.epoch == stream.cursor.epoch &&
                       (missed.empty() ? page->top.offset.value() < next
                                       : missed.front().offset.value() == next);
    if (!whole) {
      reset(channel, record, page->top);
    } else {
      for (const model::Publication& publication : missed) {
        advance(channel, record, {.publication = publication, .epoch = page->top.epoch});
      }
      if (stream.cursor.offset < page->top.offset) return fill(channel, record);
    }
  }
  for (auto& [ask, read] : std::exchange(stream.behind, {})) on_joined(channel, ask, read);
}

// The cursor can't be reached from where it was.
void Home::reset(std::string_view channel, Record& record, model::Position to) {
  Stream& stream = *record.stream;
  interrupt(channel, record);
  stream.cursor = std::move(to);
  stream.known = true;
  stream.held.clear();
  stream.held_all = stream.joining == 0;
  if (record.base != nullptr) *record.base = {};
}

// ---- Subscribers ----

store::ReadOptions Home::resume_read(const Record& record, const SubscribeAsk& what) const {
  const ChannelOptions& options = *record.options;
  const bool cache = options.recovery_mode == RecoveryMode::kCache;
  if (cache && (what.recover || options.auto_cache_recover)) {
    return {.since = std::nullopt, .limit = 1, .reverse = true};
  }
  const size_t most = hub_.parts_.options.recovery_max_publication_limit;
  const model::Position& cursor = record.stream->cursor;
  const bool same_epoch = what.since.epoch.empty() || what.since.epoch == cursor.epoch;
  const bool hopeless =
      record.stream->known &&
      (!same_epoch || what.since.offset.value() + most < cursor.offset.value());
  if (!what.recover || hopeless) return {.since = std::nullopt, .limit = 0, .reverse = false};
  return {.since = what.since.offset, .limit = most, .reverse = false};
}

// Whether the cursor is where the page ends, or has passed it. If not, the bells of what is between
// are late: the subscriber waits until we have been there.
bool Home::caught_up(const std::string& channel, Record& record, const Ask& ask,
                     const SharedPage& page) {
  Stream& stream = *record.stream;
  if (!stream.known) {
    stream.cursor = page->top;
    stream.known = true;
    return true;
  }
  if (page->top.epoch != stream.cursor.epoch) {
    reset(channel, record, page->top);
    return true;
  }
  if (page->top.offset <= stream.cursor.offset) return true;
  stream.behind.emplace_back(ask, page);
  fill(channel, record);
  return false;
}

SubscribeAnswer Home::resume(const Record& record, const SubscribeAsk& what,
                             const store::Page& page) const {
  const Stream& stream = *record.stream;
  SubscribeAnswer answer;
  answer.positioned = true;
  answer.recoverable = what.recoverable;
  answer.position = stream.cursor;
  const ChannelOptions& options = *record.options;
  const bool cache = options.recovery_mode == RecoveryMode::kCache;
  answer.was_recovering =
      what.recover || (cache && options.auto_cache_recover && what.recoverable);
  if (!answer.was_recovering) return answer;

  std::vector<model::Publication> missed = page.publications;
  for (const model::Publication& held : stream.held) {
    if (held.offset > page.top.offset) missed.push_back(held);
  }
  const bool held_all = stream.held_all || page.top.offset == stream.cursor.offset;
  if (cache) {
    resume_cache(stream.cursor, what, std::move(missed), answer);
  } else if (held_all) {
    resume_stream(stream.cursor, what, std::move(missed), answer);
  }
  answer.has_base = record.base != nullptr && !record.base->data.empty() &&
                    !answer.publications.empty() &&
                    answer.publications.back().offset == record.base->offset;
  return answer;
}

// Everything since it left, or nothing: never a part of it.
void Home::resume_stream(const model::Position& cursor, const SubscribeAsk& what,
                         std::vector<model::Publication> missed, SubscribeAnswer& answer) const {
  const bool same_epoch = what.since.epoch.empty() || what.since.epoch == cursor.epoch;
  const uint64_t first = what.since.offset.value() + 1;
  const bool whole = missed.empty()
                         ? cursor.offset == what.since.offset
                         : missed.front().offset.value() == first &&
                               missed.back().offset == cursor.offset &&
                               missed.size() == cursor.offset.value() - first + 1;
  answer.recovered =
      same_epoch && whole && bytes_of(missed) <= hub_.parts_.options.recovery_bytes_max;
  if (!answer.recovered) return;
  // Its position moves on with the publications that it gets.
  answer.position.offset = what.since.offset;
  answer.publications = std::move(missed);
}

// The newest publication, unless it has that one.
void Home::resume_cache(const model::Position& cursor, const SubscribeAsk& what,
                        std::vector<model::Publication> newest, SubscribeAnswer& answer) {
  const bool has_it = what.recover && what.since == cursor;
  const bool there = !newest.empty() && newest.back().offset == cursor.offset;
  answer.recovered = has_it || there;
  if (!answer.recovered || has_it) return;
  newest.erase(newest.begin(), newest.end() - 1);
  answer.publications = std::move(newest);
}

}  // namespace millrace::hub
