#pragma once

#include <string>
#include <string_view>

#include "weft/yjs/structs.h"

/// Updates for the tests of weft::crdt: bytes that Yjs wrote, and bytes put together here.
namespace weft::crdt {

inline base::byte_vector from_hex(std::string_view hex) {
  base::byte_vector out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

/// The state that Yjs 13.6 makes of this (client 1):
///   text.insert(0, 'Hello world 😀'); text.format(6, 5, { bold: true, link: { href: 'x' } })
///   text.insertEmbed(5, { image: 'a.png' })
///   text.applyDelta([{ retain: 1 }, { insert: 'ï', attributes: { em: null } }])
///   map.set('integer', 7), 'float' -0.1, 'large' 1e21, 'big' 9007199254740993n, 'nothing' null,
///     'undefined' undefined, 'nan' NaN, 'bytes' [1, 2, 255], 'yes' true,
///     'object' { b: [1, undefined, 'x'], a: {} }, 'inner' a Y.Map { text: Y.Text 'deep' },
///     'gone' 1 and deleted
///   array.push([1, 'two', Y.Array ['x'], new Y.Doc({ guid: 'the-guid' }), bytes [0]]), first
///   deleted xml.push([<P id="one">styled</P> with format(0, 3, { b: { c: 'd' } }), XmlText
///   'tail'])
inline base::byte_vector every_type() {
  return from_hex(
      "0128010004010474657874014884010004656c6c6f840104012084010505776f726c6484010a0520f09f9880c6"
      "0105010604626f6c640474727565c6010e0106046c696e6b0c7b2268726566223a2278227dc6010a010b04626f"
      "6c64046e756c6cc60110010b046c696e6b046e756c6cc501040105117b22696d616765223a22612e706e67227d"
      "c40100010102c3af2801036d617007696e7465676572017d072801036d617005666c6f6174017bbfb999999999"
      "999a2801036d6170056c61726765017b444b1ae4d6e2ef502801036d617003626967017a002000000000000128"
      "01036d6170076e6f7468696e67017e2801036d617009756e646566696e6564017f2801036d6170036e616e017b"
      "7ff80000000000002301036d6170056279746573030102ff2801036d61700379657301782801036d6170066f62"
      "6a656374017602016275037d017f770178016176002701036d617005696e6e6572012700011e04746578740204"
      "00011f04646565702101036d617004676f6e650101010561727261790188012501770374776f87012600890127"
      "087468652d67756964760083012801000800012701770178070103786d6c03015087012b060400012c04746169"
      "6c2800012b0269640177036f6e650700012b060400013203737479840135036c65644601330162097b2263223a"
      "2264227dc6013501360162046e756c6c0101012402");
}

/// Structs of one or more clients, put together by hand. Sections must be begun in falling order
/// of clients, as Yjs writes them.
class Update {
 public:
  yjs::Writer& section(yjs::client_id client, std::uint64_t structs) {
    ++sections_;
    body_.uint(structs);
    body_.uint(client);
    body_.uint(0);
    return body_;
  }

  base::byte_vector finish() {
    yjs::Writer out;
    out.uint(sections_);
    out.raw(body_.view());
    out.uint(0);
    return out.take();
  }

 private:
  std::uint64_t sections_ = 0;
  yjs::Writer body_;
};

inline void text(std::string_view value, yjs::Writer& out) { out.bytes(base::as_bytes(value)); }

/// The head of a struct that stands in a root and knows no neighbours.
inline void in_root(std::uint8_t ref, std::string_view root, yjs::Writer& out) {
  out.byte(ref);
  out.uint(1);
  text(root, out);
}

/// The head of a struct right behind (client, clock).
inline void after(std::uint8_t ref, yjs::client_id client, yjs::clock_value clock,
                  yjs::Writer& out) {
  out.byte(ref | yjs::origin_bit);
  out.uint(client);
  out.uint(clock);
}

/// The head of a struct that is the first in the type at (client, clock).
inline void inside(std::uint8_t ref, yjs::client_id client, yjs::clock_value clock,
                   yjs::Writer& out) {
  out.byte(ref);
  out.uint(0);
  out.uint(client);
  out.uint(clock);
}

}  // namespace weft::crdt
