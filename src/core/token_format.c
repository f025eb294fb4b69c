#include "core/token_format.h"

enum signature_algorithm token_format_algorithm(enum token_format f)
{
    return f > TOKEN_FORMAT_UNSET && f < TOKEN_V4_PUBLIC ? (enum signature_algorithm)f : SIGNATURE_UNSET;
}

const char *token_format_name(enum token_format f)
{
    switch (f) {
    case TOKEN_V4_PUBLIC:
        return "v4.public";
    case TOKEN_V4_LOCAL:
        return "v4.local";
    case TOKEN_ED448:
        return "Ed448";
    default:
        return signature_algorithm_name(token_format_algorithm(f));
    }
}

enum token_format token_format_parse(struct view name)
{
    for (enum token_format f = TOKEN_FORMAT_UNSET + 1; f < TOKEN_FORMATS; f++)
        if (view_is(name, token_format_name(f)))
            return f;
    return TOKEN_FORMAT_UNSET;
}

bool token_format_symmetric(enum token_format f)
{
    return f == TOKEN_V4_LOCAL || signature_is_mac(token_format_algorithm(f));
}

bool token_format_slow(enum token_format f)
{
    return f >= TOKEN_RS256 && f <= TOKEN_PS512;
}
