// A callback that is surely called: if it is dropped without having been, it answers with an error of its own. For what
// waits in an executor that may be stopped.
#pragma once

#include <functional>
#include <utility>

#include "core/error.hpp"

namespace quorate {

template <typename T>
class SureCallback {
 public:
  explicit SureCallback(std::move_only_function<void(Result<T>)> done) : done_(std::move(done)) {}
  SureCallback(SureCallback&& other) noexcept : done_(std::exchange(other.done_, nullptr)) {}
  SureCallback& operator=(SureCallback&&) = delete;
  ~SureCallback() {
    if (done_) done_(fail(ErrorCode::node_unavailable, "The node stopped before it had read."));
  }
  void operator()(Result<T> answer) { std::exchange(done_, nullptr)(std::move(answer)); }

 private:
  std::move_only_function<void(Result<T>)> done_;
};

}  // namespace quorate
