#include "chat.h"

namespace weft::examples {

namespace protocol = gateway::socketio::protocol;
using nlohmann::json;

class Chat::Seat final : public protocol::SocketHandler {
 public:
  explicit Seat(Chat& chat) : chat_(chat) {}

  void on_connect(protocol::Socket& socket) override {
    socket_ = &socket;
    chat_.seats_.push_back(this);
  }

  void on_event(protocol::Event event, protocol::Ack ack) override {
    if (event.name != "say") return;
    for (Seat* seat : chat_.seats_) {
      // Refused only to a client that reads nothing.
      (void)seat->socket_->emit("said", event.arguments);
    }
    ack.reply(json::array({chat_.seats_.size()}));
  }

  void on_disconnect(protocol::disconnect_reason) override { std::erase(chat_.seats_, this); }

 private:
  Chat& chat_;
  protocol::Socket* socket_ = nullptr;
};

std::unique_ptr<protocol::SocketHandler> Chat::seat() { return std::make_unique<Seat>(*this); }

}  // namespace weft::examples
