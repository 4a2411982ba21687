#include "weft/net/tls.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <thread>

#include "net/server_fixture.h"
#include "weft/base/random.h"
#include "weft/net/errc.h"
#include "weft/net/stream_socket.h"

namespace weft::net {
namespace {

using namespace std::chrono_literals;
using testing::TestCertificate;
using testing::TestClient;
using testing::TlsClient;
using testing::TlsClientOptions;

// --- certificate and key files -----------------------------------------------------------------

std::string error_of(const TlsOptions& options) {
  const auto loaded = TlsContext::load(options);
  EXPECT_FALSE(loaded.has_value());
  if (loaded) return {};
  EXPECT_EQ(loaded.error().code, errc::certificate);
  return loaded.error().message;
}

TEST(TlsFiles, ErrorsNameTheFileAndWhatIsWrongWithIt) {
  const TestCertificate mine;
  const TestCertificate other;
  const std::string empty = mine.file("empty.pem", "");
  const std::string text = mine.file("text.pem", "not a certificate\n");
  const struct {
    TlsOptions options;
    std::string names;
    std::string says;
  } cases[] = {
      {{"/nowhere/c.pem", mine.key()}, "tls.certificate: cannot read /nowhere/c.pem", "No such"},
      {{mine.certificate(), "/nowhere/k.pem"}, "tls.key: cannot read /nowhere/k.pem", "No such"},
      {{empty, mine.key()}, "tls.certificate: " + empty, "no usable PEM certificate"},
      {{text, mine.key()}, "tls.certificate: " + text, "no usable PEM certificate"},
      {{mine.key(), mine.key()}, "tls.certificate: " + mine.key(), "no usable PEM certificate"},
      {{mine.certificate(), text}, "tls.key: " + text, "no usable PEM private key"},
      {{mine.certificate(), mine.certificate()}, mine.certificate(), "no usable PEM private key"},
      {{mine.certificate(), other.key()}, "tls.key: " + other.key(), "does not belong"},
      {{mine.certificate(), mine.encrypted_key()}, mine.encrypted_key(), "is encrypted"},
  };
  for (const auto& [options, names, says] : cases) {
    const std::string message = error_of(options);
    EXPECT_NE(message.find(names), std::string::npos) << message;
    EXPECT_NE(message.find(says), std::string::npos) << message;
  }
}

TEST(TlsFiles, KnowsWhenTheCertificateEnds) {
  const TestCertificate mine;
  const auto loaded = TlsContext::load(mine.options());
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  const std::int64_t now = std::time(nullptr);
  EXPECT_GT((*loaded)->expires_s(), now + 3000);
  EXPECT_LE((*loaded)->expires_s(), now + 3601);
}

// --- the stream --------------------------------------------------------------------------------

/// A server's stream and a client whose bytes a test moves between them.
class Pair {
 public:
  explicit Pair(const TlsClientOptions& options = {}) : client(options) {
    auto loaded = TlsContext::load(certificate.options());
    WEFT_CHECK(loaded.has_value());
    stream = std::make_unique<TlsStream>(**loaded);
  }

  /// To the server, in pieces; what it hears.
  std::string to_server(std::string_view ciphertext, std::size_t piece = 4096) {
    std::string heard;
    while (!ciphertext.empty() && state == TlsStream::state::open) {
      const auto part = ciphertext.substr(0, piece);
      ciphertext.remove_prefix(part.size());
      // As a socket does it: decrypted in the buffer that it was read into.
      buffer.resize(part.size() + TlsStream::record_bytes_max);
      std::memcpy(buffer.data() + TlsStream::record_bytes_max, part.data(), part.size());
      const auto said =
          stream->feed(base::byte_view(buffer).subspan(TlsStream::record_bytes_max), buffer.data());
      state = said.what;
      heard += base::as_text(base::byte_view(buffer).first(said.bytes));
    }
    return heard;
  }

  std::string to_client() {
    client.feed(base::as_text(std::exchange(stream->unsent(), {})));
    return client.read();
  }

  bool handshake(std::size_t piece = 4096) {
    for (int i = 0; i < 4; ++i) {
      const bool done = client.handshake();
      to_server(client.take(), piece);
      if (done) break;
      to_client();
    }
    to_client();
    return !stream->handshaking();
  }

  const TestCertificate certificate;
  TlsClient client;
  std::unique_ptr<TlsStream> stream;
  TlsStream::state state = TlsStream::state::open;
  base::byte_vector buffer;
};

TEST(TlsStream, DecryptsInOneBufferHoweverTheBytesArrive) {
  std::string said;
  base::random random(7);
  for (int i = 0; i < 100'000; ++i) said += static_cast<char>(random.next());
  for (const std::size_t piece : {1U, 5U, 1000U, 16'406U, 1'000'000U}) {
    Pair pair;
    ASSERT_TRUE(pair.handshake(piece));
    pair.client.write(said);
    pair.client.write("x");
    EXPECT_TRUE(pair.to_server(pair.client.take(), piece) == said + "x") << piece;
    EXPECT_EQ(pair.state, TlsStream::state::open);
  }
}

TEST(TlsStream, WhatCameBeforeTheEndIsHeardFirst) {
  Pair pair;
  ASSERT_TRUE(pair.handshake());
  pair.client.write("last words");
  pair.client.close_notify();
  EXPECT_EQ(pair.to_server(pair.client.take()), "last words");
  EXPECT_EQ(pair.state, TlsStream::state::ended);
  pair.stream->finish();
  pair.to_client();
  EXPECT_EQ(pair.client.state_now(), TlsClient::state::ended);
}

TEST(TlsStream, OwnsNoBuffersWhileIdle) {
  Pair pair;
  ASSERT_TRUE(pair.handshake());
  ASSERT_TRUE(pair.stream->seal(base::as_bytes("answer")));
  EXPECT_EQ(pair.to_client(), "answer");
  EXPECT_EQ(pair.stream->unsent().capacity(), 0U);
}

TEST(TlsStream, RefusesToRenegotiate) {
  Pair pair({.version_max = TLS1_2_VERSION, .alpn = {}});
  ASSERT_TRUE(pair.handshake());
  SSL_renegotiate(pair.client.ssl());
  pair.client.handshake();
  pair.to_server(pair.client.take());
  pair.to_client();
  EXPECT_EQ(pair.client.state_now(), TlsClient::state::failed);
  EXPECT_EQ(SSL_num_renegotiations(pair.client.ssl()), 1);
  EXPECT_FALSE(pair.stream->handshaking());
}

TEST(TlsStream, SpeaksNothingOlderThanItMay) {
  for (const auto& [minimum, client, agree] :
       {std::tuple(tls_version::v1_2, TLS1_1_VERSION, false),
        std::tuple(tls_version::v1_2, TLS1_2_VERSION, true),
        std::tuple(tls_version::v1_3, TLS1_2_VERSION, false),
        std::tuple(tls_version::v1_3, TLS1_3_VERSION, true)}) {
    Pair pair({.version_min = TLS1_VERSION, .version_max = client, .alpn = {}});
    auto options = pair.certificate.options();
    options.version_min = minimum;
    pair.stream = std::make_unique<TlsStream>(**TlsContext::load(options));
    EXPECT_EQ(pair.handshake(), agree) << client;
    EXPECT_EQ(pair.state == TlsStream::state::failed, !agree);
  }
}

TEST(TlsStream, AgreesOnHttp11OrOnNothing) {
  const auto agreed = [](const char* offered) -> std::string {
    Pair pair({.alpn = offered});
    if (!pair.handshake()) return "refused";
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(pair.client.ssl(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  };
  EXPECT_EQ(agreed("\x02h2\x08http/1.1"), "http/1.1");
  EXPECT_EQ(agreed(""), "");
  EXPECT_EQ(agreed("\x02h2"), "refused");
}

TEST(TlsStream, ResumesByTicketSoThatTheServerKeepsNoSessions) {
  Pair first;
  const auto context = TlsContext::load(first.certificate.options());
  first.stream = std::make_unique<TlsStream>(**context);
  ASSERT_TRUE(first.handshake());
  SSL_SESSION* session = SSL_get1_session(first.client.ssl());
  Pair second;
  second.stream = std::make_unique<TlsStream>(**context);
  SSL_set_session(second.client.ssl(), session);
  SSL_SESSION_free(session);
  ASSERT_TRUE(second.handshake());
  EXPECT_EQ(SSL_session_reused(second.client.ssl()), 1);
}

TEST(TlsStream, SurvivesFlightsThatAreNotQuiteRight) {
  base::random random(3);
  const auto context = TlsContext::load(TestCertificate().options());
  for (int i = 0; i < 400; ++i) {
    TlsClient client;
    client.handshake();
    std::string flight = client.take();
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      const std::size_t at = random.below(flight.size());
      if (random.below(4) == 0) {
        flight.erase(at, 1 + random.below(8));
      } else {
        flight[at] = static_cast<char>(random.next());
      }
    }
    TlsStream stream(**context);
    base::byte_vector heard(flight.size() + TlsStream::record_bytes_max);
    EXPECT_EQ(stream.feed(base::as_bytes(flight), heard.data()).bytes, 0U);
    EXPECT_TRUE(stream.handshaking());
  }
}

// --- the socket --------------------------------------------------------------------------------

/// A StreamSocket and a client at the ends of a socket pair.
class SocketPair : public Pair {
 public:
  SocketPair() {
    std::array<int, 2> fds{};
    WEFT_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) ==
               0);
    socket = StreamSocket(unique_fd(fds[0]), std::move(stream));
    far = unique_fd(fds[1]);
    while (socket.handshaking()) {
      client.handshake();
      send(client.take());
      socket.receive(into);
      receive();
    }
    receive();
  }

  void send(std::string_view bytes) {
    WEFT_CHECK(::send(far.get(), bytes.data(), bytes.size(), 0) ==
               static_cast<ssize_t>(bytes.size()));
  }

  /// What the client hears of all that is on its way.
  std::string receive() {
    std::string bytes(1 << 20, '\0');
    const ssize_t count = ::recv(far.get(), bytes.data(), bytes.size(), 0);
    if (count <= 0) return {};
    bytes.resize(static_cast<std::size_t>(count));
    client.feed(bytes);
    return client.read();
  }

  StreamSocket socket;
  unique_fd far;
  base::byte_vector into = base::byte_vector(64 * 1024);
};

TEST(TlsSocket, ManySmallSlicesShareARecordAndASend) {
  SocketPair pair;
  std::string text;
  for (int i = 0; i < 100; ++i) text += "slice " + std::to_string(100 + i);
  std::vector<iovec> slices;
  for (std::size_t i = 0; i < text.size(); i += 9) slices.push_back({text.data() + i, 9});
  slices.insert(slices.begin() + 3, iovec{nullptr, 0});
  const int records = pair.client.records();
  const auto moved = pair.socket.send(slices);
  EXPECT_EQ(moved.what, StreamSocket::outcome::done);
  EXPECT_EQ(moved.bytes, text.size());
  EXPECT_EQ(moved.send_calls, 1U);
  EXPECT_EQ(pair.receive(), text);
  EXPECT_EQ(pair.client.records(), records + 1);
}

TEST(TlsSocket, ALargeSliceMakesFullRecords) {
  SocketPair pair;
  std::string text(3 * TlsStream::record_payload_bytes_max + 10, 'x');
  const iovec slices[] = {{text.data(), 7}, {text.data() + 7, text.size() - 7}};
  const int records = pair.client.records();
  EXPECT_EQ(pair.socket.send(slices).bytes, text.size());
  EXPECT_TRUE(pair.receive() == text);
  EXPECT_EQ(pair.client.records(), records + 4);
}

TEST(TlsSocket, TakesNoMoreThanAPieceWhenThePeerDoesNotRead) {
  SocketPair pair;
  std::string text;
  base::random random(1);
  for (int i = 0; i < 4'000'000; ++i) text += static_cast<char>(random.next());
  std::string heard;
  std::size_t taken = 0;
  int blocked = 0;
  while (heard.size() < text.size()) {
    const iovec rest{text.data() + taken, text.size() - taken};
    const auto moved = pair.socket.send({&rest, taken < text.size() ? 1U : 0U});
    ASSERT_EQ(moved.what, StreamSocket::outcome::done);
    taken += moved.bytes;
    if (pair.socket.has_unsent()) {
      ++blocked;
      // Blocked: nothing more is taken.
      EXPECT_EQ(pair.socket.send({&rest, 1}).bytes, 0U);
    }
    const std::string more = pair.receive();
    EXPECT_LE(taken - heard.size() - more.size(), 2 * StreamSocket::seal_bytes_max + (1U << 20));
    heard += more;
  }
  EXPECT_GT(blocked, 3);
  EXPECT_TRUE(heard == text);
  EXPECT_FALSE(pair.socket.has_unsent());
}

TEST(TlsSocket, AnAnnouncedEndIsSeenAgainBehindTheLastBytes) {
  SocketPair pair;
  pair.client.write("last words");
  pair.client.close_notify();
  pair.send(pair.client.take());
  EXPECT_EQ(pair.socket.receive(pair.into).bytes, 10U);
  EXPECT_EQ(pair.socket.receive(pair.into).what, StreamSocket::outcome::ended);
}

// --- the server --------------------------------------------------------------------------------

class TlsServer : public testing::ServerFixture {
 protected:
  void SetUp() override { use_tls(); }
  TestClient connect_plain() { return TestClient(server->port()); }
};

TEST_F(TlsServer, APlaintextRequestIsToldToUseTls) {
  start();
  TestClient plain = connect_plain();
  const auto response = plain.get("/healthz");
  EXPECT_EQ(response.status, 400U);
  EXPECT_NE(response.body.find("https://"), std::string::npos);
  EXPECT_TRUE(plain.at_end());
  EXPECT_EQ(server->counts().tls_failures, 1U);
}

TEST_F(TlsServer, GarbageEndsItsOwnConnectionOnly) {
  start();
  TestClient good = connect();
  EXPECT_EQ(good.get("/1").status, 200U);
  base::random random(5);
  std::string noise("\x16\x03\x01\x02\x00\x01", 6);
  for (int i = 0; i < 600; ++i) noise += static_cast<char>(random.next());
  for (const std::string& bytes : {noise, std::string("\0\0\0\0\0\0", 6), std::string("\x80rest"),
                                   std::string("garbage"), std::string(70'000, '\xff')}) {
    TestClient bad = connect_plain();
    bad.send(bytes);
    // An alert may come before the end, never anything else.
    const std::string alert = bad.read(1);
    EXPECT_TRUE(alert.empty() || alert == "\x15") << bytes.substr(0, 6);
    if (!alert.empty()) bad.read(6);
    EXPECT_TRUE(bad.at_end());
  }
  // A record that was tampered with, in the middle of a good connection.
  TestClient tampered = connect();
  EXPECT_EQ(tampered.get("/").status, 200U);
  tampered.tls().write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string record = tampered.tls().take();
  record[10] = static_cast<char>(record[10] ^ 1);
  ASSERT_EQ(::send(tampered.fd(), record.data(), record.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(record.size()));
  EXPECT_TRUE(tampered.at_end());
  EXPECT_EQ(good.get("/2").status, 200U);
  EXPECT_EQ(server->counts().tls_failures, 5U);
}

TEST_F(TlsServer, AHandshakeThatDribblesIsEndedWithTheHeadersTimeout) {
  ServerOptions options;
  options.header_timeout = 60ms;
  start(options);
  TestClient silent = connect();
  TestClient slow = connect();
  slow.tls().handshake();
  const std::string hello = slow.tls().take();
  ASSERT_EQ(::send(slow.fd(), hello.data(), 20, MSG_NOSIGNAL), 20);
  char byte = 0;
  EXPECT_EQ(::recv(slow.fd(), &byte, 1, 0), 0);
  EXPECT_EQ(::recv(silent.fd(), &byte, 1, 0), 0);
  EXPECT_TRUE(testing::eventually([&] { return server->counts().tls_failures == 2; }));
  TestClient good = connect();
  EXPECT_EQ(good.get("/").status, 200U);
}

TEST_F(TlsServer, HearsClientsWhoseSegmentsCutRecordsAnywhere) {
  start();
  TestClient client = connect();
  client.set_piece_bytes(1);
  EXPECT_EQ(client
                .request("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n" +
                         std::string(40, 'b'))
                .body,
            "POST /x " + std::string(40, 'b'));
  EXPECT_EQ(server->counts().tls_handshakes, 1U);
}

TEST_F(TlsServer, AnEndWithoutAFinIsAnsweredInKind) {
  start();
  TestClient client = connect();
  EXPECT_EQ(client.get("/").status, 200U);
  client.tls().close_notify();
  client.pump();
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(client.tls().state_now(), TlsClient::state::ended);
  // And behind a request: that is still answered.
  TestClient last = connect();
  ASSERT_TRUE(last.handshake());
  last.tls().write("GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
  last.tls().close_notify();
  last.pump();
  EXPECT_EQ(last.read_response().body, "GET /last ");
  EXPECT_TRUE(last.at_end());
  EXPECT_EQ(last.tls().state_now(), TlsClient::state::ended);
}

TEST_F(TlsServer, AStormOfHandshakesIsServedInTurns) {
  start({}, 1);
  TestClient good = connect();
  EXPECT_EQ(good.get("/").status, 200U);
  std::vector<TestClient> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(connect());
    clients.back().tls().handshake();
    clients.back().pump();
  }
  EXPECT_EQ(good.get("/among-them").status, 200U);
  for (auto& client : clients) EXPECT_EQ(client.get("/").status, 200U);
  EXPECT_EQ(server->counts().tls_handshakes, 101U);
}

std::string subject(TestClient& client) {
  X509* certificate = SSL_get1_peer_certificate(client.tls().ssl());
  char name[64] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  X509_free(certificate);
  return name;
}

TEST_F(TlsServer, TakesARenewedCertificateForNewConnections) {
  certificate->renew("first");
  start();
  EXPECT_GT(server->certificate_expires_s(), std::time(nullptr));
  TestClient before = connect();
  EXPECT_EQ(before.get("/").status, 200U);
  EXPECT_EQ(subject(before), "first");

  certificate->file("key.pem", "broken");
  const auto refused = server->reload_certificate();
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find(certificate->key()), std::string::npos);
  TestClient between = connect();
  EXPECT_EQ(between.get("/").status, 200U);
  EXPECT_EQ(subject(between), "first");

  certificate->renew("second");
  ASSERT_TRUE(server->reload_certificate().has_value());
  run_on(loops->loop(0), [] {});
  TestClient after = connect();
  EXPECT_EQ(after.get("/").status, 200U);
  EXPECT_EQ(subject(after), "second");
  EXPECT_EQ(before.get("/").status, 200U);
}

TEST_F(TlsServer, DoesNotStartWithFilesThatItCannotUse) {
  auto group = LoopGroup::start(1);
  ASSERT_TRUE(group.has_value());
  ServerOptions options;
  options.tls = {.certificate = certificate->certificate(), .key = "/nowhere/key.pem"};
  const auto server_or = Server::start(options, **group, *this);
  ASSERT_FALSE(server_or.has_value());
  EXPECT_NE(server_or.error().message.find("/nowhere/key.pem"), std::string::npos);
}

}  // namespace
}  // namespace weft::net
