// What OpenSSL keeps in memory for a connection, counted where it is allocated: idle, while bytes
// are under way, and after they have left. With what the allocator and the rest of a connection
// add: tests/e2e/idle_memory.test.mjs.
#include <openssl/crypto.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "net/tls_fixture.h"

namespace millrace::net {
namespace {

using Status = IoResult::Status;

// Measured with OpenSSL 3.0: 14,038 with TLS 1.3 and 13,104 with 1.2, of which 7,624 are the SSL
// itself and 1,920 its two ciphers.
constexpr size_t kIdleBytesMax = 15'000;
// One buffer for a record, with what OpenSSL adds to it.
constexpr size_t kRecordBytesMax = 17'000;

// Before each block that OpenSSL gets. The client's blocks are not counted, so each one remembers
// whether it was.
struct alignas(std::max_align_t) BlockHead {
  size_t bytes;
  bool counted;
};

bool counting = false;
size_t counted_bytes = 0;

BlockHead* head_of(void* block) {
  return static_cast<BlockHead*>(block) - 1;
}

void* allocate(size_t bytes, const char*, int) {
  if (bytes == 0) return nullptr;
  auto* const head = static_cast<BlockHead*>(std::malloc(sizeof(BlockHead) + bytes));
  *head = {.bytes = bytes, .counted = counting};
  if (counting) counted_bytes += bytes;
  return head + 1;
}

void release(void* block, const char*, int) {
  if (block == nullptr) return;
  if (head_of(block)->counted) counted_bytes -= head_of(block)->bytes;
  std::free(head_of(block));
}

void* reallocate(void* block, size_t bytes, const char* file, int line) {
  if (block == nullptr) return allocate(bytes, file, line);
  const BlockHead before = *head_of(block);
  const bool was_counting = std::exchange(counting, before.counted);
  void* const moved = allocate(bytes, file, line);
  counting = was_counting;
  if (moved != nullptr) std::memcpy(moved, block, std::min(bytes, before.bytes));
  release(block, file, line);
  return moved;
}

// OpenSSL takes them only before its first block, so for the whole program.
const int kHooked = CRYPTO_set_mem_functions(allocate, reallocate, release);

class Counting {
 public:
  Counting() { counting = true; }
  ~Counting() { counting = false; }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;
};

class TlsMemory : public TlsTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    ASSERT_EQ(kHooked, 1);
    TlsTest::SetUp();
    // What is made once, for all.
    establish({.version_max = GetParam()});
    owner_.stream.reset();
    EXPECT_EQ(counted_bytes, 0U);
  }

  // As establish(), with the server's side counted.
  void come(SSL_SESSION* session = nullptr) {
    wire_ = std::make_shared<TestWire>();
    client_ = std::make_unique<test_tls::Client>(
        test_tls::ClientOptions{.version_max = GetParam(), .session = session});
    {
      const Counting counted;
      owner_.stream = std::make_unique<TlsStream>(*core_, std::make_unique<TestStream>(wire_));
    }
    owner_.stream->set_handler(&owner_);
  }
  void exchange_counted() {
    for (std::string bytes = client_->output(); !bytes.empty(); bytes = client_->output()) {
      arrives(bytes);
      client_->input(std::exchange(wire_->outbound, {}));
      client_->go_on();
    }
  }
  void arrives(std::string_view bytes) {
    wire_->inbound += bytes;
    const Counting counted;
    deliver();
  }
  size_t written(std::string_view bytes) {
    const Counting counted;
    return owner_.stream->write({&bytes, 1}).bytes;
  }
  void come_and_idle(SSL_SESSION* session = nullptr) {
    come(session);
    exchange_counted();
    ASSERT_TRUE(client_->established()) << client_->error();
  }
};

TEST_P(TlsMemory, an_idle_connection_holds_no_record_buffers) {
  come_and_idle();
  RecordProperty("idle_bytes", static_cast<int>(counted_bytes));
  EXPECT_GT(counted_bytes, 5'000U);
  EXPECT_LE(counted_bytes, kIdleBytesMax);
  owner_.stream.reset();
  EXPECT_EQ(counted_bytes, 0U);
}

TEST_P(TlsMemory, a_resumed_connection_holds_no_more_than_any_other) {
  come_and_idle();
  const test_tls::SessionPtr session = client_->session();
  owner_.stream.reset();
  come_and_idle(session.get());
  EXPECT_TRUE(client_->resumed());
  EXPECT_LE(counted_bytes, kIdleBytesMax);
}

TEST_P(TlsMemory, one_that_has_said_nothing_yet_holds_no_record_buffers) {
  come();
  EXPECT_GT(counted_bytes, 5'000U);
  EXPECT_LE(counted_bytes, kIdleBytesMax);
}

TEST_P(TlsMemory, a_record_that_came_in_part_is_held_until_it_is_whole) {
  come_and_idle();
  const size_t idle = counted_bytes;
  client_->write(std::string(10'000, 'x'));
  const std::string record = client_->output();
  arrives(record.substr(0, 5'000));
  EXPECT_GT(counted_bytes, idle + record.size());
  EXPECT_LE(counted_bytes, idle + kRecordBytesMax);
  arrives(record.substr(5'000));
  EXPECT_EQ(owner_.received.size(), 10'000U);
  EXPECT_EQ(counted_bytes, idle);
}

TEST_P(TlsMemory, what_is_written_leaves_no_buffer_behind) {
  come_and_idle();
  const size_t idle = counted_bytes;
  const std::string message(100'000, 'm');
  EXPECT_EQ(written(message), message.size());
  EXPECT_EQ(counted_bytes, idle);
}

TEST_P(TlsMemory, a_full_socket_leaves_no_buffer_with_openssl) {
  come_and_idle();
  const size_t idle = counted_bytes;
  wire_->room = 100;
  const std::string message(100'000, 'm');
  // One record is ours to keep, and no more of the message is taken.
  EXPECT_EQ(written(message), TlsCore::kRecordBytesMax);
  EXPECT_EQ(counted_bytes, idle);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsMemory, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "tls_1_2" : "tls_1_3";
                         });

}  // namespace
}  // namespace millrace::net
