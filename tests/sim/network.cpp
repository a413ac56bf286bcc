#include "tests/sim/network.hpp"

#include <algorithm>
#include <memory>

namespace quorate::sim {

// A dead process's connections are closed, and the others notice; a silent death tells nothing.
void Network::detach(const NodeId& node) {
  receivers_.erase(node);
  if (!tells_of_crashes) return;
  executor_.post_at(scheduler_.now_us() + scheduler_.random.between(20, 2'000), [this, node] {
    if (receivers_.contains(node)) return;
    for (const auto& [id, receiver] : receivers_) {
      if (!cut_.contains({node, id})) receiver->on_unreachable(node);
    }
  });
}

void Network::send(Message message) {
  ++sent;
  if (scheduler_.random.chance(drop_per_thousand)) return;
  if (scheduler_.random.chance(duplicate_per_thousand)) deliver_later(message);
  deliver_later(std::move(message));
}

void Network::deliver_later(Message message) {
  const std::pair link(message.from, message.to);
  std::int64_t when_us = scheduler_.now_us() + scheduler_.random.between(20, max_delay_us);
  if (const auto extra = extra_delay_us_.find(message.to); extra != extra_delay_us_.end())
    when_us += extra->second;
  if (keeps_order) when_us = last_delivery_us_[link] = std::max(when_us, last_delivery_us_[link] + 1);
  executor_.post_at(when_us,
                    [this, link, life = lives_[message.from], message = std::move(message)]() mutable {
                      const auto receiver = receivers_.find(link.second);
                      if (receiver == receivers_.end() || cut_.contains(link) || life != lives_[link.first])
                        return;
                      receiver->second->receive(std::move(message));
                    });
}

void Network::calm(std::int64_t delay_us) {
  heal();
  drop_per_thousand = 0;
  duplicate_per_thousand = 0;
  max_delay_us = delay_us;
}

}  // namespace quorate::sim
