// Key sets by URL: fetched when a token needs one, kept, and fetched anew after a while or for a
// key that is not in it.
//
//   find() -> kKey | kUnknown | kUnavailable | kLater -> wait() -> find() …
//
// A set is fetched by one request at a time, and not again within kJwksPause of its end, so that
// tokens which name made-up keys cannot make us flood the identity provider. A set that cannot be
// fetched anew goes on being used.
//
// Cores      One verifier's, all of it.
// Limits     kUrlsMax sets; kFetchesMax requests at once; kWaitingMax tokens of kWaitingBytesMax in
//            sum wait, and go on kResumedPerTurn a turn.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/auth.h"
#include "auth/jwks.h"
#include "base/clock.h"
#include "base/executor.h"

namespace millrace::auth {

class JwksCache {
 public:
  static constexpr size_t kUrlsMax = 256;
  static constexpr size_t kFetchesMax = 16;
  static constexpr size_t kWaitingBytesMax = 32UL * 1024 * 1024;
  static constexpr size_t kResumedPerTurn = 64;
  // A set that was used within this time does not make room for another one.
  static constexpr std::chrono::minutes kInUse{1};

  JwksCache(base::Executor& executor, base::Duration max_age, Fetch fetch);
  ~JwksCache();
  JwksCache(const JwksCache&) = delete;
  JwksCache& operator=(const JwksCache&) = delete;

  enum class State : uint8_t {
    kKey,          // there it is
    kUnknown,      // the set has no such key
    kUnavailable,  // the set is not there, and cannot be fetched now
    kLater,        // it is being fetched: wait()
  };
  struct Answer {
    State state;
    const PublicKey* key = nullptr;  // until the next call of find()
  };
  // May start a fetch.
  Answer find(const std::string& url, std::string_view key_id, const Algorithm& algorithm);

  // Runs `resume` when the fetch that find() spoke of has ended. `bytes` is what it holds. False:
  // too many wait already, and `resume` was dropped.
  bool wait(const std::string& url, size_t bytes, base::Task resume);

 private:
  struct Waiting {
    size_t bytes;
    base::Task resume;
  };
  struct Entry {
    std::optional<KeySet> keys{};
    bool fetching = false;
    bool failed = false;                            // the last fetch, or none was made yet
    std::optional<base::MonotonicTime> tried_at{};  // when the last fetch ended
    base::MonotonicTime fetched_at{};               // when the last good one did
    base::MonotonicTime used_at{};
    std::vector<Waiting> waiting{};
  };

  Entry* entry_of(const std::string& url);
  bool make_room();
  bool paused(const Entry& entry) const;
  void start_fetch(const std::string& url, Entry& entry);
  void fetched(const std::string& url, base::Result<std::string> body);
  void resume_some();

  base::Executor& executor_;
  const base::Duration max_age_;
  Fetch fetch_;
  JsonReader json_{};
  std::map<std::string, Entry> entries_{};
  size_t fetching_ = 0;
  size_t waiting_ = 0;
  size_t waiting_bytes_ = 0;
  std::deque<Waiting> ready_{};
  // Shared with the callbacks that are under way, which do nothing once it has gone.
  std::shared_ptr<JwksCache*> self_;
};

}  // namespace millrace::auth
