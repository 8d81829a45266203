// Positions: what was passed on last of a channel's log.
//
// The log is the truth; the bell may ring twice, late, or not at all. In a channel with history the
// home core passes on each entry once, in order, to all subscribers, and remembers the last one:
// the cursor. The first subscriber's read of the log says where it begins.
//
//   a bell's offset            -> what happens
//   the cursor's or before it  -> nothing: it was passed on already
//   the one after the cursor   -> advance(): passed on
//   a later one                -> fill(): the log is read from the cursor on, and passed on
//   (of another epoch)         -> fill(): only the log knows which of the two it is
//   any, while the log is read -> keep(): looked at afterwards
//
//   what the log has           -> what happens
//   the entries from there on  -> advance(), until its top
//   a gap there                -> interrupt(): who has a position subscribes again; then the rest
//   another epoch              -> interrupt(); then from the new log's beginning
//
// What is read from the log has lost who was not to hear it, and comes without a delta.
#include <utility>

#include "base/log.h"
#include "hub/home.h"

namespace millrace::hub {
namespace {

constexpr size_t kFillAtOnce = 1'000;  // publications; then another turn goes on
constexpr size_t kBellsMax = 1'000;
constexpr size_t kHeldMax = 10'000;
constexpr size_t kHeldBytesMax = 8UL * 1024 * 1024;

}  // namespace

// ---- Bells ----

void Home::on_published(std::string_view channel, Record& record,
                        const broker::Published& published) {
  const model::Offset offset = published.publication.offset;
  Stream* const stream = record.stream.get();
  if (stream == nullptr || offset.value() == 0) return advance(channel, record, published);
  if (!stream->known) {
    // Somebody was let in although the log could not be read: the bells are all there is.
    if (!record.interest.empty()) return advance(channel, record, published);
    return keep(*stream, published);
  }
  if (stream->filling) return keep(*stream, published);
  if (published.epoch != stream->cursor.epoch) return fill(channel, record);
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
      const size_t size = publication.data.size();
      if (stream->held.size() == kHeldMax || stream->held_bytes + size > kHeldBytesMax) {
        stream->held.clear();
        stream->held_bytes = 0;
      }
      stream->held.push_back(publication);
      stream->held_bytes += size;
    }
  }
  pass_on(channel, record,
          {.kind = Event::Kind::kPublication,
           .publication = publication,
           .patch = patch(record, publication, published.delta),
           .exclude = published.exclude,
           .epoch = published.epoch});
}

void Home::keep(Stream& stream, const broker::Published& published) {
  if (stream.bells.size() < kBellsMax) return stream.bells.push_back(published);
  stream.again = true;  // the log has it
}

void Home::ring_kept(const std::string& channel) {
  Record* const record = records_.find(channel);
  if (record == nullptr || record->stream == nullptr) return;
  Stream& stream = *record->stream;
  if (stream.filling) return;  // then, in the end
  if (stream.again && stream.known) {
    stream.bells.clear();
    return fill(channel, *record);
  }
  for (const broker::Published& bell : std::exchange(stream.bells, {})) {
    // A bell may lead to answers, and these to asks that change the table.
    Record* const still = records_.find(channel);
    if (still == nullptr || still->stream == nullptr) return;
    const model::Position& cursor = still->stream->cursor;
    const bool passed_on = bell.epoch == cursor.epoch && bell.publication.offset <= cursor.offset;
    if (!passed_on) on_published(channel, *still, bell);
  }
}

// ---- The log ----

// It may have more than was heard of.
void Home::look(std::string_view channel) {
  Record* const record = records_.find(channel);
  if (record == nullptr) return;
  Stream* const stream = record->stream.get();
  if (stream == nullptr || !stream->known) return;
  if (!stream->filling) return fill(channel, *record);
  stream->again = true;
}

// Goes on when it has been filled already. The record stays until then, used or not.
void Home::fill(std::string_view channel, Record& record) {
  Stream& stream = *record.stream;
  stream.filling = true;
  stream.again = false;
  hub_.parts_.store.read(channel, record.options->log,
                         {.since = stream.cursor.offset, .limit = kFillAtOnce, .reverse = false},
                         [this, name = std::string(channel)](
                             const base::Result<store::Page>& page) { on_filled(name, page); });
}

void Home::on_filled(const std::string& channel, const base::Result<store::Page>& page) {
  Record* const found = records_.find(channel);
  MILLRACE_ASSERT(found != nullptr && found->stream != nullptr);
  Record& record = *found;
  Stream& stream = *record.stream;
  if (page) {
    follow(channel, record, *page);
    if (stream.again || stream.cursor.offset < page->top.offset) {
      // In a turn of its own: what has been read leaves before there is more.
      executor().post([this, channel] {
        Record* const still = records_.find(channel);
        MILLRACE_ASSERT(still != nullptr);
        fill(channel, *still);
      });
      return;
    }
  } else {
    base::log::warn("a gap could not be read",
                    {{"channel", channel}, {"error", page.error().message}});
    interrupt(channel, record);
    stream.known = false;
    stream.bells.clear();
  }
  stream.filling = false;
  for (const auto& [ask, read] : std::exchange(stream.behind, {})) {
    if (read != nullptr) {
      on_joined(channel, ask, read, true);
    } else {
      read_for(channel, *records_.find(channel), ask, true);
    }
  }
  ring_kept(channel);
  drop_if_unused(channel);
}

void Home::follow(std::string_view channel, Record& record, const store::Page& page) {
  Stream& stream = *record.stream;
  if (page.top.epoch != stream.cursor.epoch) {
    interrupt(channel, record);
    stream.cursor = {page.top.epoch, model::Offset{0}};
    turn_reads_.forget(channel);
    return;
  }
  const model::Offset first = page.publications.empty() ? model::Offset{page.top.offset.value() + 1}
                                                        : page.publications.front().offset;
  if (first.value() > stream.cursor.offset.value() + 1) {
    interrupt(channel, record);
    stream.cursor.offset = model::Offset{first.value() - 1};
  }
  for (const model::Publication& publication : page.publications) {
    advance(channel, record, {.publication = publication, .epoch = page.top.epoch});
  }
}

void Home::interrupt(std::string_view channel, Record& record) {
  metrics().add(metrics::Counter::kStreamsInterrupted);
  pass_on(channel, record, {.kind = Event::Kind::kInterruption});
  record.stream->held.clear();
  record.stream->held_bytes = 0;
  if (DeltaBase* const base = record.base()) *base = {};
}

}  // namespace millrace::hub
