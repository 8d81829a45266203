#include "broker/memory/memory.h"

#include "broker/broker_conformance.h"

namespace millrace::broker {
namespace {

// Everything happens inside the calls, so there is nothing to drive.
class MemoryHarness final : public ConformanceHarness {
 public:
  Broker& broker() override { return broker_; }
  bool run_until(const std::function<bool()>& condition) override { return condition(); }
  void settle() override {}

 private:
  memory::MemoryBroker broker_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BrokerConformance, MemoryHarness);

TEST(MemoryBroker, forgets_channels_without_interest) {
  memory::MemoryBroker broker;
  broker.subscribe("a", [](base::Result<>) {});
  broker.subscribe("b", [](base::Result<>) {});
  EXPECT_EQ(broker.size(), 2U);
  broker.unsubscribe("a");
  broker.unsubscribe("b");
  EXPECT_EQ(broker.size(), 0U);
}

}  // namespace
}  // namespace millrace::broker
