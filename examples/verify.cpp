// verify JWKS-FILE ISSUER AUDIENCE TOKEN, as verify.c does it, in C++17.
//
// Every object of the library has one function that frees it: a std::unique_ptr with that function is all the wrapping
// that it needs. A struct cardea_status is an exception at the edge, or a value, as the program likes it; here a value.
//
//     c++ -std=c++17 verify.cpp $(pkg-config --cflags --libs libcardea) -o verify
#include <cardea/cardea.h>

#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

namespace
{

template <typename T, void (*Free)(T *)> struct Freed {
    void operator()(T *object) const
    {
        Free(object);
    }
};
using Keys = std::unique_ptr<cardea_keys, Freed<cardea_keys, cardea_keys_free>>;
using Verifier = std::unique_ptr<cardea_verifier, Freed<cardea_verifier, cardea_verifier_free>>;
using Claims = std::unique_ptr<cardea_claims, Freed<cardea_claims, cardea_claims_free>>;

// Call a function whose last argument is where the new object goes.
template <typename Owner, typename Function, typename... Arguments>
struct cardea_status make(Owner &owner, Function function, Arguments... arguments)
{
    typename Owner::pointer object = nullptr;
    struct cardea_status s = function(arguments..., &object);
    owner.reset(object);
    return s;
}

struct cardea_bytes bytes(std::string_view text)
{
    return cardea_bytes(text.data(), text.size());
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 5) {
        std::cerr << "usage: verify JWKS-FILE ISSUER AUDIENCE TOKEN\n";
        return 2;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const std::string jwks{std::istreambuf_iterator<char>(file), {}};

    Keys keys;
    Verifier verifier;
    Claims claims;
    struct cardea_status s = make(keys, cardea_keys_read, bytes(jwks), nullptr);
    if (cardea_ok(s))
        s = make(verifier, cardea_verifier_new);
    if (cardea_ok(s))
        s = cardea_verifier_add_keys(verifier.get(), keys.get());
    if (cardea_ok(s))
        s = cardea_verifier_issuer(verifier.get(), argv[2]);
    if (cardea_ok(s))
        s = cardea_verifier_audience(verifier.get(), argv[3]);
    if (cardea_ok(s))
        s = cardea_verifier_require(verifier.get(), "sub");
    if (cardea_ok(s))
        s = make(claims, cardea_claims_new);
    if (cardea_ok(s))
        s = cardea_verify(verifier.get(), bytes(argv[4]), std::time(nullptr), claims.get());
    if (!cardea_ok(s)) {
        std::cerr << "verify: " << cardea_status_title(s) << '\n';
        return 1;
    }
    std::cout << cardea_claims_subject(claims.get()) << '\n';
    return 0;
}
