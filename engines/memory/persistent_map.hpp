// An ordered map whose copies are cheap and independent: a copy shares all nodes, and a change makes new nodes only on
// the path from the root (a height-balanced tree with path copying). So a savepoint, a reader's view and a version on
// the disk are all just copies of the map.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace quorate {

template <typename Key, typename Mapped, typename Less = std::less<Key>>
class PersistentMap {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The value at the key, or null. Valid until this map changes and no copy of it is left.
  const Mapped* find(const Key& key) const {
    const Node* node = root_.get();
    while (node != nullptr) {
      if (Less{}(key, node->entry->first)) {
        node = node->left.get();
      } else if (Less{}(node->entry->first, key)) {
        node = node->right.get();
      } else {
        return &node->entry->second;
      }
    }
    return nullptr;
  }

  // The greatest key, or null.
  const Key* last_key() const {
    const Node* node = root_.get();
    while (node != nullptr && node->right) node = node->right.get();
    return node == nullptr ? nullptr : &node->entry->first;
  }

  // Inserts or replaces.
  void set(const Key& key, Mapped value) {
    if (find(key) == nullptr) ++size_;
    root_ = with(root_, std::make_shared<const Entry>(key, std::move(value)));
  }

  void erase(const Key& key) {
    if (find(key) == nullptr) return;
    --size_;
    root_ = without(root_, key);
  }

  // Calls visit(key, value) in key order until it returns false.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    walk(root_.get(), visit);
  }

 private:
  using Entry = std::pair<const Key, Mapped>;
  using EntryPointer = std::shared_ptr<const Entry>;
  struct Node;
  using NodePointer = std::shared_ptr<const Node>;
  struct Node {
    Node(EntryPointer held, NodePointer left_child, NodePointer right_child)
        : entry(std::move(held)), left(std::move(left_child)), right(std::move(right_child)) {
      height = 1 + std::max(height_of(left), height_of(right));
    }
    EntryPointer entry;
    NodePointer left;
    NodePointer right;
    int height;
  };

  static int height_of(const NodePointer& node) { return node ? node->height : 0; }

  static NodePointer make(EntryPointer entry, NodePointer left, NodePointer right) {
    return std::make_shared<const Node>(std::move(entry), std::move(left), std::move(right));
  }

  // A node over the two subtrees, whose heights differ by at most two, rotated so that they differ by at most one.
  static NodePointer balanced(const EntryPointer& entry, const NodePointer& left, const NodePointer& right) {
    if (height_of(left) > height_of(right) + 1) {
      if (height_of(left->left) >= height_of(left->right)) {
        return make(left->entry, left->left, make(entry, left->right, right));
      }
      const NodePointer& middle = left->right;
      return make(middle->entry, make(left->entry, left->left, middle->left),
                  make(entry, middle->right, right));
    }
    if (height_of(right) > height_of(left) + 1) {
      if (height_of(right->right) >= height_of(right->left)) {
        return make(right->entry, make(entry, left, right->left), right->right);
      }
      const NodePointer& middle = right->left;
      return make(middle->entry, make(entry, left, middle->left),
                  make(right->entry, middle->right, right->right));
    }
    return make(entry, left, right);
  }

  static NodePointer with(const NodePointer& node, EntryPointer entry) {
    if (!node) return make(std::move(entry), nullptr, nullptr);
    if (Less{}(entry->first, node->entry->first)) {
      return balanced(node->entry, with(node->left, std::move(entry)), node->right);
    }
    if (Less{}(node->entry->first, entry->first)) {
      return balanced(node->entry, node->left, with(node->right, std::move(entry)));
    }
    return make(std::move(entry), node->left, node->right);
  }

  static NodePointer without(const NodePointer& node, const Key& key) {
    if (Less{}(key, node->entry->first)) {
      return balanced(node->entry, without(node->left, key), node->right);
    }
    if (Less{}(node->entry->first, key)) {
      return balanced(node->entry, node->left, without(node->right, key));
    }
    if (!node->left) return node->right;
    if (!node->right) return node->left;
    const Node* successor = node->right.get();
    while (successor->left) successor = successor->left.get();
    return balanced(successor->entry, node->left, without(node->right, successor->entry->first));
  }

  template <typename Visit>
  static bool walk(const Node* node, Visit& visit) {
    if (node == nullptr) return true;
    return walk(node->left.get(), visit) && visit(node->entry->first, node->entry->second) &&
           walk(node->right.get(), visit);
  }

  NodePointer root_;
  std::size_t size_ = 0;
};

}  // namespace quorate
