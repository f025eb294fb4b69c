#include "daemon/https_get.h"

#include <stdio.h>
#include <string.h>

static struct cardea_status fail(char why[HTTPS_WHY_MAX], struct cardea_status s, const char *text)
{
    snprintf(why, HTTPS_WHY_MAX, "%s", text);
    return s;
}

#ifdef CARDEA_WITH_CURL

#include "base/text.h"

#include <curl/curl.h>
#include <dlfcn.h>

static const char library[] = "libcurl.so.4";

/* curl_easy_setopt and its like are macros around these; the library itself is not linked. */
static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*init)(void);
    CURLcode (*set)(CURL *curl, CURLoption option, ...);
    CURLcode (*perform)(CURL *curl);
    CURLcode (*info)(CURL *curl, CURLINFO info, ...);
    void (*clean)(CURL *curl);
    struct curl_slist *(*append)(struct curl_slist *list, const char *line);
    void (*free_all)(struct curl_slist *list);
    const char *(*error)(CURLcode code);
    bool ready;
} lib;

bool https_available(void)
{
    return true;
}

/* A function pointer from an object pointer: POSIX says that it may be done, C does not. */
static bool find(void *handle, const char *name, void *out)
{
    void *at = dlsym(handle, name);
    memcpy(out, &at, sizeof at);
    return at != NULL;
}

struct cardea_status https_open(char why[HTTPS_WHY_MAX])
{
    if (lib.ready)
        return CARDEA_SUCCESS;
    /* Never unloaded: its own threads and OpenSSL's hooks would outlive it. */
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL || !find(handle, "curl_global_init", &lib.global_init) ||
        !find(handle, "curl_easy_init", &lib.init) || !find(handle, "curl_easy_setopt", &lib.set) ||
        !find(handle, "curl_easy_perform", &lib.perform) || !find(handle, "curl_easy_getinfo", &lib.info) ||
        !find(handle, "curl_easy_cleanup", &lib.clean) || !find(handle, "curl_slist_append", &lib.append) ||
        !find(handle, "curl_slist_free_all", &lib.free_all) || !find(handle, "curl_easy_strerror", &lib.error)) {
        const char *reason = dlerror();
        snprintf(why, HTTPS_WHY_MAX, "%s can not be loaded (package libcurl4): %.180s", library,
                 reason == NULL ? "a function is missing" : reason);
        return CARDEA_FAIL(E_UNAVAILABLE);
    }
    if (lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return fail(why, CARDEA_FAIL(E_UNAVAILABLE), "libcurl can not be initialised");
    lib.ready = true;
    return CARDEA_SUCCESS;
}

/* Of the answer, all lines together. libcurl keeps every one of them, however many come within the time. */
enum { HEADERS_MAX = 65536 };

struct transfer {
    const struct https_request *request;
    struct https_answer *answer;
    int64_t age_s;
    size_t header_bytes;
    bool too_large;
};

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    buf_put(&t->answer->body, view_of(bytes, size * count));
    t->too_large = !buf_ok(&t->answer->body);
    return t->too_large ? 0 : size * count;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    const struct transfer *t = context;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return t->request->stopped != NULL && t->request->stopped(t->request->context) ? 1 : 0;
}

/* max-age=N; no-store and no-cache are an age of 0. Others are for caches that are shared. */
static void read_caching(struct view value, struct https_answer *out)
{
    struct view one, name, number;
    bool more = true;
    while (more) {
        uint64_t n;
        more = view_cut(value, ',', &one, &value);
        view_cut(view_trim(one), '=', &name, &number);
        if (view_equal_ascii_case(name, VIEW("no-store")) || view_equal_ascii_case(name, VIEW("no-cache")))
            out->max_age_s = 0;
        else if (view_equal_ascii_case(name, VIEW("max-age")) && out->max_age_s != 0 &&
                 cardea_ok(parse_u64(number, &n)))
            out->max_age_s = n > INT32_MAX ? INT32_MAX : (int64_t)n;
    }
}

/* An entity tag is sent back to whom it came from: as it stands, where it is one. */
static void read_tag(struct view value, char out[HTTPS_TAG_MAX + 1])
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] <= 0x20 || value.ptr[i] > 0x7e)
            return;
    if (value.len > 0 && value.len <= HTTPS_TAG_MAX)
        view_copy(value, out, HTTPS_TAG_MAX + 1);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    struct view line = view_of(bytes, size * count), name, value;
    uint64_t n;
    t->header_bytes += line.len;
    t->too_large = t->too_large || t->header_bytes > HEADERS_MAX;
    if (t->too_large)
        return 0;
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (!view_cut(line, ':', &name, &value))
        return size * count;
    value = view_trim(value);
    if (view_equal_ascii_case(name, VIEW("Cache-Control")))
        read_caching(value, t->answer);
    else if (view_equal_ascii_case(name, VIEW("ETag")))
        read_tag(value, t->answer->tag);
    else if (view_equal_ascii_case(name, VIEW("Age")) && cardea_ok(parse_u64(value, &n)))
        t->age_s = n > INT32_MAX ? INT32_MAX : (int64_t)n;
    return size * count;
}

/* Every option that narrows must have been taken. */
static bool configure(CURL *curl, struct transfer *t, struct curl_slist *headers, char error[CURL_ERROR_SIZE])
{
    const struct https_request *r = t->request;
    bool good = lib.set(curl, CURLOPT_URL, r->url) == CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
    good = good && lib.set(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
#else
    good = good && lib.set(curl, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTPS) == CURLE_OK;
#endif
    good =
        good && lib.set(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK && lib.set(curl, CURLOPT_PROXY, "") == CURLE_OK &&
        lib.set(curl, CURLOPT_NOPROXY, "*") == CURLE_OK && lib.set(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
        lib.set(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
        lib.set(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
        lib.set(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        lib.set(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        lib.set(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms) == CURLE_OK &&
        lib.set(curl, CURLOPT_TIMEOUT_MS, (long)r->total_ms) == CURLE_OK &&
        lib.set(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->body_max) == CURLE_OK &&
        lib.set(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK && lib.set(curl, CURLOPT_WRITEDATA, t) == CURLE_OK &&
        lib.set(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
        lib.set(curl, CURLOPT_HEADERDATA, t) == CURLE_OK && lib.set(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
        lib.set(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
        lib.set(curl, CURLOPT_XFERINFODATA, t) == CURLE_OK &&
        lib.set(curl, CURLOPT_USERAGENT, "cardea/" CARDEA_VERSION) == CURLE_OK &&
        lib.set(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK && lib.set(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK;
    /* Of two ways to name authorities the directory would be the system's still. */
    if (good && r->ca_file[0] != '\0')
        good = lib.set(curl, CURLOPT_CAINFO, r->ca_file) == CURLE_OK &&
               lib.set(curl, CURLOPT_CAPATH, (char *)NULL) == CURLE_OK;
    return good;
}

static struct cardea_status conclude(CURL *curl, CURLcode code, const struct transfer *t, const char *error,
                                     char why[HTTPS_WHY_MAX])
{
    struct https_answer *out = t->answer;
    long status = 0;
    if (t->too_large)
        return fail(why, CARDEA_FAIL(E_IO), "the answer is too large");
    if (code != CURLE_OK)
        return fail(why, CARDEA_FAIL(E_IO), error[0] != '\0' ? error : lib.error(code));
    if (lib.info(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        status = 0;
    if (status != 200 && !(status == 304 && t->request->tag[0] != '\0')) {
        snprintf(why, HTTPS_WHY_MAX, "the answer has status %ld%s", status,
                 status >= 300 && status < 400 ? ", and redirects are not followed" : "");
        return CARDEA_FAIL(E_IO);
    }
    out->status = (int)status;
    if (out->max_age_s > 0)
        out->max_age_s = t->age_s < out->max_age_s ? out->max_age_s - t->age_s : 0;
    return CARDEA_SUCCESS;
}

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = lib.append(list, line);
    if (longer == NULL)
        lib.free_all(list);
    return longer;
}

struct cardea_status https_get(const struct https_request *r, struct https_answer *out, char why[HTTPS_WHY_MAX])
{
    char error[CURL_ERROR_SIZE] = "", condition[HTTPS_TAG_MAX + 32];
    struct transfer t = {.request = r, .answer = out};
    struct curl_slist *headers = NULL;
    *out = (struct https_answer){.body = buf_heap(r->body_max), .max_age_s = -1};
    if (!lib.ready)
        return fail(why, CARDEA_FAIL(E_IO), "libcurl is not loaded");
    CURL *curl = lib.init();
    headers = add(NULL, "Accept: application/jwk-set+json, application/json");
    if (headers != NULL && r->tag[0] != '\0') {
        snprintf(condition, sizeof condition, "If-None-Match: %s", r->tag);
        headers = add(headers, condition);
    }
    struct cardea_status s;
    if (curl == NULL || headers == NULL || !configure(curl, &t, headers, error)) {
        s = fail(why, CARDEA_FAIL(E_IO), "libcurl does not take an option that is needed");
    } else {
        CURLcode code = lib.perform(curl);
        s = conclude(curl, code, &t, error, why);
    }
    if (headers != NULL)
        lib.free_all(headers);
    if (curl != NULL)
        lib.clean(curl);
    return s;
}

#else /* built without libcurl's headers */

bool https_available(void)
{
    return false;
}

struct cardea_status https_open(char why[HTTPS_WHY_MAX])
{
    return fail(why, CARDEA_FAIL(E_UNAVAILABLE), "this program was built without libcurl");
}

struct cardea_status https_get(const struct https_request *r, struct https_answer *out, char why[HTTPS_WHY_MAX])
{
    *out = (struct https_answer){.body = buf_heap(r->body_max), .max_age_s = -1};
    return fail(why, CARDEA_FAIL(E_IO), "this program was built without libcurl");
}

#endif
