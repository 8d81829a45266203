// How a subscriber gets to where the channel is.
//
// Its read of the log ends somewhere. If that is at the cursor, it is one of all from there on; if
// it is before the cursor, what was passed on since it was asked was held, and is added (resume());
// if it is behind it, a bell is late, and we go there first (caught_up()). So it gets everything up
// to the cursor in the answer, and all that comes after it, once.
#include <utility>

#include "hub/home.h"

namespace millrace::hub {
namespace {

size_t bytes_of(const std::vector<model::Publication>& publications) {
  size_t sum = 0;
  for (const model::Publication& publication : publications) sum += publication.data.size();
  return sum;
}

}  // namespace

// Whether it asks for what it missed, or gets the newest without asking.
bool Home::comes_back(const Record& record, const SubscribeAsk& what) {
  const ChannelOptions& options = *record.options;
  const bool cache = options.recovery_mode == RecoveryMode::kCache;
  return what.recover || (cache && options.auto_cache_recover && what.recoverable);
}

store::ReadOptions Home::resume_read(const Record& record, const SubscribeAsk& what) const {
  constexpr store::ReadOptions kTopOnly{.since = std::nullopt, .limit = 0, .reverse = false};
  if (!comes_back(record, what)) return kTopOnly;
  if (record.options->recovery_mode == RecoveryMode::kCache)
    return {.since = std::nullopt, .limit = 1, .reverse = true};
  const size_t most = hub_.parts_.options.recovery_max_publication_limit;
  const model::Position& cursor = record.stream->cursor;
  const bool same_epoch = what.since.epoch.empty() || what.since.epoch == cursor.epoch;
  const bool too_far =
      what.since.offset < cursor.offset && cursor.offset.value() - what.since.offset.value() > most;
  if (record.stream->known && (!same_epoch || too_far)) return kTopOnly;
  return {.since = what.since.offset, .limit = most, .reverse = false};
}

// Whether the subscriber can be answered by this page. If not, the bells of what is between are
// late, or the page is from long ago: it comes again. `again`: the page is the best there is.
bool Home::caught_up(const std::string& channel, Record& record, const Ask& ask,
                     const SharedPage& page, bool again) {
  Stream& stream = *record.stream;
  if (!stream.known) {
    stream.cursor = page->top;
    stream.known = true;
    return true;
  }
  const auto& what = std::get<SubscribeAsk>(ask.body);
  if (!what.positioned) return true;
  const bool same_epoch = page->top.epoch == stream.cursor.epoch;
  if (same_epoch && page->top.offset <= stream.cursor.offset) {
    if (again || !comes_back(record, what) || reaches_cursor(stream, *page)) return true;
    read_for(channel, record, ask, true);
    return false;
  }
  if (!same_epoch && again) return true;
  stream.behind.emplace_back(ask, same_epoch ? page : nullptr);
  if (!stream.filling) {
    fill(channel, record);
  } else if (!same_epoch) {
    stream.again = true;
  }
  return false;
}

// Whether nothing is missing between the page and what was passed on since.
bool Home::reaches_cursor(const Stream& stream, const store::Page& page) {
  if (page.top.offset >= stream.cursor.offset) return true;
  return !stream.held.empty() && stream.held.front().offset.value() <= page.top.offset.value() + 1;
}

SubscribeAnswer Home::resume(const Record& record, const SubscribeAsk& what,
                             const store::Page& page) const {
  const Stream& stream = *record.stream;
  SubscribeAnswer answer;
  answer.positioned = true;
  answer.recoverable = what.recoverable;
  answer.position = stream.cursor;
  answer.was_recovering = comes_back(record, what);
  if (!answer.was_recovering || page.top.epoch != stream.cursor.epoch) return answer;

  std::vector<model::Publication> missed = page.publications;
  for (const model::Publication& held : stream.held) {
    if (held.offset > page.top.offset) missed.push_back(held);
  }
  if (record.options->recovery_mode == RecoveryMode::kCache) {
    resume_cache(stream.cursor, what, std::move(missed), answer);
  } else {
    resume_stream(stream.cursor, what, std::move(missed), answer);
  }
  answer.has_base = record.base() != nullptr && !record.base()->data.empty() &&
                    !answer.publications.empty() &&
                    answer.publications.back().offset == record.base()->offset;
  return answer;
}

// Everything since it left, or nothing: never a part of it.
void Home::resume_stream(const model::Position& cursor, const SubscribeAsk& what,
                         std::vector<model::Publication> missed, SubscribeAnswer& answer) const {
  const bool same_epoch = what.since.epoch.empty() || what.since.epoch == cursor.epoch;
  const uint64_t first = what.since.offset.value() + 1;
  const bool whole = missed.empty() ? cursor.offset == what.since.offset
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
