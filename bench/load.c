/* Load for the benchmark: WebSockets opened, held and spoken over, management calls posted. One thread, one epoll.
 *
 *     load HOST PORT PATH SOURCE [HOST-HEADER]      SOURCE: second octet of the 127.x addresses it connects from
 *
 * Commands are lines of stdin; each is answered by one line of JSON. What comes meanwhile is read and counted.
 *
 *     open COUNT IN-FLIGHT                 handshakes of further sockets; also tells milliseconds of one (p50, p99)
 *     echo COUNT SOCKETS TEXT              closed loop: one message at a time on each of the first SOCKETS
 *     probe COUNT GAP-MS                   pings, one at a time, each on the next socket, so long apart: how long for each
 *     ask COUNT TEXT                       the text once on each of the first COUNT sockets; answers what came back
 *     post COUNT CONNECTIONS DEPTH FILE    FILE: requests, each behind a line with its length, sent round and round
 *     received                             frames, bytes and closes since the last time
 *     await FRAMES SECONDS                 until so many frames have come since the last "received"
 *     rest                                 read nothing until the next command: as clients on another machine, who take
 *                                          no time of this one while they are sent to
 *     close                                every socket, by a reset
 *     quit                                 or the end of stdin
 *
 * Every answer has "seconds" and "cpu" (of this process), so that the asker can tell when this was the bottleneck.
 * Bounded: 19,000 descriptors, 60 s a command; a failure ends the command, never in a loop.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum {
    MOST = 19000,        /* sockets; machines with a limit of 20,000 descriptors are usual */
    PER_ADDRESS = 6000,  /* past about half of ip_local_port_range the search for a port is what takes the time */
    BATCH = 512,
    BUFFER = 1 << 18,
    HEAD = 8192,
    SHOWN = 128,         /* bytes kept of an answer to "ask" */
    WITHIN_S = 60,
};

enum state { CLOSED, CONNECTING, SHAKING, OPEN };

struct client {
    int fd;
    uint8_t state, have, opcode;
    uint8_t head[10];       /* of the frame that is coming */
    uint64_t left;          /* of its payload */
    double began;           /* the handshake, or the message that is out */
    char *text;             /* what "ask" was answered, or the head of the handshake's answer */
    int length;
};

struct poster {
    int fd, out, closing;   /* out: requests that are not answered yet; closing: the server has said that it closes */
    const char *unsent;
    size_t left;            /* of unsent */
    char *got;
    size_t have;
};

struct request { const char *bytes; size_t length; };

static struct client clients[MOST];
static int count, epoll, source;
static struct sockaddr_in server;
static char handshake[4096];
static int handshake_length;
static char *key;           /* eight characters in it that differ for each socket */
static unsigned keys;
static uint64_t frames, bytes, closes, pongs;
static unsigned char buffer[BUFFER];
static double *times;       /* of the command under way */
static long timed, times_size;
static char command[BUFFER];

static double clock_s(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}
static double now(void) { return clock_s(CLOCK_MONOTONIC); }
static double cpu(void) { return clock_s(CLOCK_PROCESS_CPUTIME_ID); }

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_taken(double s) {
    if (timed == times_size) {
        times_size = times_size ? times_size * 2 : 4096;
        times = realloc(times, times_size * sizeof *times);
        if (!times) exit(3);
    }
    times[timed++] = s;
}

static void tell(const char *what, long done, long failed, double began, double spent) {
    double p50 = 0, p99 = 0, most = 0;
    if (timed) {
        qsort(times, timed, sizeof *times, ascending);
        p50 = times[timed / 2] * 1e3;
        p99 = times[timed * 99 / 100] * 1e3;
        most = times[timed - 1] * 1e3;
    }
    printf("{\"what\":\"%s\",\"done\":%ld,\"failed\":%ld,\"seconds\":%.6f,\"cpu\":%.6f,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"most_ms\":%.3f}\n",
           what, done, failed, now() - began, cpu() - spent, p50, p99, most);
    fflush(stdout);
    timed = 0;
}

static void watch(int fd, uint32_t events, uint32_t mark, int how) {
    struct epoll_event e = {.events = events, .data.u32 = mark};
    epoll_ctl(epoll, how, fd, &e);
}

static int dial(int number) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct linger reset = {1, 0};   /* no TIME_WAIT is left behind */
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(127u << 24 | (unsigned)source << 16 | (unsigned)(2 + number / PER_ADDRESS));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (void *)&from, sizeof from) ||
        (connect(fd, (void *)&server, sizeof server) && errno != EINPROGRESS)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void drop(struct client *c) {
    if (c->fd >= 0) close(c->fd);
    if (c->state == OPEN) closes++;
    c->fd = -1;
    c->state = CLOSED;
}

/* One more payload is whole, "fresh" bytes of it are at "data". 1: a message ended. */
static int whole(struct client *c) {
    c->have = 0;
    if ((c->opcode & 15) >= 8) {
        if ((c->opcode & 15) == 8) closes++;
        if ((c->opcode & 15) == 10) pongs++;
        return 0;
    }
    if (!(c->opcode & 0x80)) return 0;
    frames++;
    return 1;
}

/* Frames in "data"; the number of messages that ended. Server frames are not masked. */
static int parse(struct client *c, const unsigned char *data, ssize_t length) {
    int ended = 0;
    while (length > 0) {
        int need = 2;
        if (c->have >= 2) need = c->head[1] == 127 ? 10 : c->head[1] == 126 ? 4 : 2;
        if (c->have < need) {
            c->head[c->have++] = *data++;
            length--;
            if (c->have == 2) {
                c->opcode = c->head[0];
                need = c->head[1] == 127 ? 10 : c->head[1] == 126 ? 4 : 2;
            }
            if (c->have < need) continue;
            c->left = c->head[1] < 126 ? c->head[1] : 0;
            for (int i = 2; i < need; i++) c->left = c->left << 8 | c->head[i];
            if (!c->left) ended += whole(c);
            continue;
        }
        ssize_t part = (uint64_t)length < c->left ? length : (ssize_t)c->left;
        if (c->text && (c->opcode & 15) < 8) {
            int kept = part < SHOWN - c->length ? part : SHOWN - c->length;
            memcpy(c->text + c->length, data, kept);
            c->length += kept;
        }
        bytes += part;
        data += part;
        length -= part;
        c->left -= part;
        if (!c->left) ended += whole(c);
    }
    return ended;
}

/* Read once; messages that ended, -1 when the socket is gone. */
static int take(struct client *c) {
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) {
        drop(c);
        return -1;
    }
    return parse(c, buffer, got);
}

/* ---- open ---- */

static long opened, refused;

static void shake(int number) {
    struct client *c = &clients[number];
    c->have = c->length = 0;
    c->began = now();
    c->fd = dial(number);
    if (c->fd < 0) {
        c->state = CLOSED;
        refused++;
        return;
    }
    c->state = CONNECTING;
    watch(c->fd, EPOLLOUT, number, EPOLL_CTL_ADD);
}

static void refuse(struct client *c, const char *why) {
    if (!refused) fprintf(stderr, "load: a handshake failed: %.200s\n", why);
    refused++;
    drop(c);
}

/* 1 when this handshake is over, however. */
static int shaken(struct client *c, uint32_t mark) {
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        char digits[9];
        snprintf(digits, sizeof digits, "%08x", (unsigned)source << 24 | keys++ % (1u << 24));
        memcpy(key, digits, 8);
        if (error || write(c->fd, handshake, handshake_length) != handshake_length) {
            refuse(c, strerror(error ? error : errno));
            return 1;
        }
        c->state = SHAKING;
        watch(c->fd, EPOLLIN, mark, EPOLL_CTL_MOD);
        return 0;
    }
    char head[HEAD + 1];
    ssize_t got = recv(c->fd, head, HEAD, MSG_PEEK);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) {
        refuse(c, "the server closed it");
        return 1;
    }
    head[got] = 0;
    char *end = strstr(head, "\r\n\r\n");
    if (!end) {
        if (got == HEAD) refuse(c, "no end of the head");
        return got == HEAD;
    }
    if (strncmp(head, "HTTP/1.1 101", 12)) {
        refuse(c, head);
        return 1;
    }
    recv(c->fd, head, end + 4 - head, 0);    /* what follows are frames */
    c->state = OPEN;
    time_taken(now() - c->began);
    opened++;
    return 1;
}

static void command_open(long wanted, long in_flight) {
    double began = now(), spent = cpu(), until = began + WITHIN_S * 2;
    struct epoll_event ready[BATCH];
    if (count + wanted > MOST) wanted = MOST - count;
    int next = count, end = count + (int)wanted;
    opened = refused = 0;
    while (next < end && next < count + in_flight) shake(next++);
    while (opened + refused < wanted && now() < until) {
        int n = epoll_wait(epoll, ready, BATCH, 500);
        for (int i = 0; i < n; i++) {
            struct client *c = &clients[ready[i].data.u32 % MOST];
            if (c->state == OPEN) take(c);
            else if (c->state != CLOSED && shaken(c, ready[i].data.u32) && next < end) shake(next++);
        }
    }
    count = next;
    tell("open", opened, refused + (wanted - opened - refused), began, spent);
}

/* ---- messages ---- */

static char message[BUFFER];
static int message_length;

static void prepare(const char *text) {
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    int length = (int)strlen(text), at = 0;
    if (length > 60000) length = 60000;
    message[at++] = (char)0x81;
    if (length < 126) message[at++] = (char)(0x80 | length);
    else {
        message[at++] = (char)(0x80 | 126);
        message[at++] = (char)(length >> 8);
        message[at++] = (char)length;
    }
    memcpy(message + at, mask, 4);
    at += 4;
    for (int i = 0; i < length; i++) message[at++] = text[i] ^ mask[i & 3];
    message_length = at;
}

static int say(struct client *c) {
    c->began = now();
    if (write(c->fd, message, message_length) == message_length) return 1;
    drop(c);
    return 0;
}

static void command_echo(long wanted, long sockets) {
    double began = now(), spent = cpu(), until = began + WITHIN_S;
    struct epoll_event ready[BATCH];
    long sent = 0, got = 0, lost = 0;
    for (int i = 0; i < count && i < sockets && sent < wanted; i++)
        if (clients[i].state == OPEN) sent += say(&clients[i]);
    while (got + lost < wanted && got + lost < sent && now() < until) {
        int n = epoll_wait(epoll, ready, BATCH, 500);
        for (int i = 0; i < n; i++) {
            uint32_t mark = ready[i].data.u32;
            struct client *c = &clients[mark % MOST];
            if (c->state != OPEN) continue;
            int ended = take(c);
            if (ended < 0) lost++;
            if (mark >= sockets || ended <= 0) continue;
            time_taken(now() - c->began);
            got++;
            if (sent < wanted) sent += say(c);
        }
    }
    tell("echo", got, wanted - got, began, spent);
}

/* What comes is read whether or not a ping is out: "gap" apart, or as soon as the last was answered if that is later. */
static void command_probe(long wanted, double gap) {
    static const unsigned char ping[6] = {0x89, 0x80, 1, 2, 3, 4};
    double began = now(), spent = cpu(), until = began + WITHIN_S, next = began, sent_at = 0;
    struct epoll_event ready[BATCH];
    long done = 0, lost = 0;
    int at = -1, is_out = 0;
    while (done + lost < wanted && lost < wanted && count && now() < until) {
        if (!is_out && now() >= next) {
            at = (at + 1) % count;
            next = sent_at = now();
            next += gap;
            is_out = clients[at].state == OPEN && write(clients[at].fd, ping, sizeof ping) == sizeof ping;
            if (!is_out) lost++;
        }
        double wait = is_out ? 500 : (next - now()) * 1e3;
        int n = epoll_wait(epoll, ready, BATCH, wait > 0 ? (int)wait : 0);
        for (int i = 0; i < n; i++) {
            uint32_t mark = ready[i].data.u32;
            struct client *c = &clients[mark % MOST];
            uint64_t before = pongs;
            if (c->state != OPEN) continue;
            int ended = take(c);
            if (!is_out || (int)mark != at || (ended >= 0 && pongs == before)) continue;
            is_out = 0;
            if (ended < 0) lost++;
            else {
                time_taken(now() - sent_at);
                done++;
            }
        }
    }
    tell("probe", done, wanted - done, began, spent);
}

static void command_ask(long wanted) {
    double began = now(), until = began + WITHIN_S;
    struct epoll_event ready[BATCH];
    long sent = 0, got = 0;
    if (wanted > count) wanted = count;
    for (int i = 0; i < wanted; i++) {
        struct client *c = &clients[i];
        c->text = calloc(1, SHOWN + 1);
        c->length = 0;
        if (c->state == OPEN) sent += say(c);
        while (got < sent && now() < until) {        /* one after the other: nobody is hurried */
            int n = epoll_wait(epoll, ready, BATCH, 500);
            for (int j = 0; j < n; j++) {
                struct client *other = &clients[ready[j].data.u32 % MOST];
                if (other->state == OPEN && take(other) > 0 && other == c) got++;
            }
            if (c->state != OPEN) break;
        }
    }
    printf("{\"what\":\"ask\",\"done\":%ld,\"answers\":[", got);
    for (int i = 0; i < wanted; i++) {
        putchar('"');
        for (int j = 0; j < clients[i].length; j++) {
            unsigned char each = (unsigned char)clients[i].text[j];
            if (each == '"' || each == '\\' || each < 32 || each > 126) printf("\\u%04x", each);
            else putchar(each);
        }
        printf(i + 1 < wanted ? "\"," : "\"");
        free(clients[i].text);
        clients[i].text = NULL;
    }
    printf("]}\n");
    fflush(stdout);
}

static void command_await(long wanted, double within) {
    double began = now(), spent = cpu(), until = began + within;
    struct epoll_event ready[BATCH];
    while (frames < (uint64_t)wanted && now() < until) {
        int n = epoll_wait(epoll, ready, BATCH, 200);
        for (int i = 0; i < n; i++) {
            struct client *c = &clients[ready[i].data.u32 % MOST];
            if (c->state == OPEN) take(c);
        }
    }
    tell("await", (long)frames, wanted > (long)frames ? wanted - (long)frames : 0, began, spent);
}

/* ---- posts ---- */

static struct request *read_requests(const char *name, long *found) {
    FILE *file = fopen(name, "rb");
    struct request *all = NULL;
    size_t length;
    *found = 0;
    if (!file) return NULL;
    while (fscanf(file, "%zu", &length) == 1 && fgetc(file) == '\n') {
        char *one = malloc(length);
        if (!one || fread(one, 1, length, file) != length) break;
        all = realloc(all, (*found + 1) * sizeof *all);
        all[(*found)++] = (struct request){one, length};
    }
    fclose(file);
    return all;
}

static long posted, answered, bad;

/* Send what is due on one connection, as far as the kernel takes it. */
static int push(struct poster *p, struct request *all, long found, long wanted, long depth, uint32_t mark) {
    if (p->closing) return -1;
    for (;;) {
        if (!p->left) {
            if (p->out >= depth || posted >= wanted) break;
            struct request *r = &all[posted++ % found];
            p->unsent = r->bytes;
            p->left = r->length;
            p->out++;
        }
        ssize_t sent = send(p->fd, p->unsent, p->left, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) return -1;
            watch(p->fd, EPOLLIN | EPOLLOUT, mark, EPOLL_CTL_MOD);
            return 0;
        }
        p->unsent += sent;
        p->left -= sent;
    }
    return 0;
}

static void answer(struct poster *p) {
    if (p->got[9] != '2') {
        if (!bad) fprintf(stderr, "load: a post failed: %.300s\n", p->got);
        bad++;
    }
    answered++;
    p->out--;
}

/* Whole answers at the front of what came; -1 for what is no HTTP. */
static int answers(struct poster *p) {
    for (;;) {
        p->got[p->have] = 0;
        char *end = strstr(p->got, "\r\n\r\n");
        if (!end) return p->have > HEAD ? -1 : 0;
        size_t body = 0;
        int bounded = !strncmp(p->got + 9, "204", 3);
        for (char *line = p->got; line < end; line = strstr(line, "\r\n") + 2)
            if (!strncasecmp(line, "content-length:", 15)) {
                body = strtoul(line + 15, NULL, 10);
                bounded = 1;
            } else if (!strncasecmp(line, "connection: close", 17)) p->closing = 1;
        if (!bounded) return 0;     /* it ends with the connection */
        size_t length = end + 4 - p->got + body;
        if (length > p->have) return length > BUFFER ? -1 : 0;
        answer(p);
        memmove(p->got, p->got + length, p->have - length);
        p->have -= length;
    }
}

static void command_post(long wanted, long connections, long depth, const char *name) {
    struct epoll_event ready[BATCH];
    long found = 0, open = 0;
    struct request *all = read_requests(name, &found);
    posted = answered = bad = 0;
    if (connections > 1000) connections = 1000;
    struct poster *posters = calloc(connections, sizeof *posters);
    for (long i = 0; found && i < connections; i++) {
        struct poster *p = &posters[i];
        p->fd = dial(count);
        p->got = calloc(1, BUFFER + 1);
        if (p->fd < 0) continue;
        watch(p->fd, EPOLLOUT | EPOLLIN, MOST + i, EPOLL_CTL_ADD);   /* marks above the clients' */
        open++;
    }
    double began = now(), spent = cpu(), until = began + WITHIN_S;
    while (open && answered < wanted && now() < until) {
        int n = epoll_wait(epoll, ready, BATCH, 500);
        for (int i = 0; i < n; i++) {
            uint32_t mark = ready[i].data.u32;
            if (mark < MOST) {
                if (clients[mark].state == OPEN) take(&clients[mark]);
                continue;
            }
            struct poster *p = &posters[mark - MOST];
            int broken = 0;
            if (ready[i].events & EPOLLOUT) watch(p->fd, EPOLLIN, mark, EPOLL_CTL_MOD);
            if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                ssize_t got = recv(p->fd, p->got + p->have, BUFFER - p->have, 0);
                if (got > 0) p->have += got;
                broken = got == 0 || (got < 0 && errno != EAGAIN) || answers(p);
            }
            if (!broken) broken = push(p, all, found, wanted, depth, mark);
            if (broken) {
                close(p->fd);
                if (p->out == 1 && !p->left && strstr(p->got, "\r\n\r\n")) answer(p);
                bad += p->out;
                answered += p->out;
                p->have = p->left = p->out = p->closing = 0;
                p->got[0] = 0;
                p->fd = posted < wanted && bad < connections ? dial(count) : -1;
                if (p->fd < 0) open--;
                else watch(p->fd, EPOLLOUT | EPOLLIN, mark, EPOLL_CTL_ADD);
            }
        }
    }
    tell("post", answered - bad, wanted - answered + bad, began, spent);
    for (long i = 0; i < connections; i++) {
        if (posters[i].got && posters[i].fd >= 0) close(posters[i].fd);
        free(posters[i].got);
    }
    for (long i = 0; i < found; i++) free((void *)all[i].bytes);
    free(posters);
    free(all);
}

/* ---- the asker ---- */

static int obey(char *line) {
    long a = 0, b = 0, c = 0;
    double s = 0;
    int at = 0;
    char name[1024];
    if (sscanf(line, "open %ld %ld", &a, &b) == 2) command_open(a, b);
    else if (sscanf(line, "probe %ld %lf", &a, &s) == 2) command_probe(a, s / 1e3);
    else if (sscanf(line, "echo %ld %ld %n", &a, &b, &at) == 2 && at) {
        prepare(line + at);
        command_echo(a, b);
    } else if (sscanf(line, "ask %ld %n", &a, &at) == 1 && at) {
        prepare(line + at);
        command_ask(a);
    } else if (sscanf(line, "post %ld %ld %ld %1023s", &a, &b, &c, name) == 4) command_post(a, b, c, name);
    else if (sscanf(line, "await %ld %lf", &a, &s) == 2) command_await(a, s);
    else if (!strcmp(line, "received")) {
        printf("{\"what\":\"received\",\"frames\":%lu,\"bytes\":%lu,\"closes\":%lu}\n", frames, bytes, closes);
        fflush(stdout);
        frames = bytes = closes = 0;
    } else if (!strcmp(line, "rest")) {
        struct pollfd asker = {.fd = 0, .events = POLLIN};
        printf("{\"what\":\"rest\"}\n");
        fflush(stdout);
        poll(&asker, 1, -1);
    } else if (!strcmp(line, "close")) {
        double began = now(), spent = cpu();
        int open = 0;
        for (int i = 0; i < count; i++)
            if (clients[i].state != CLOSED) {
                drop(&clients[i]);
                open++;
            }
        count = 0;
        tell("close", open, 0, began, spent);
    } else return 0;
    return 1;
}

int main(int given, char **words) {
    if (given < 5) return 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    source = atoi(words[4]);
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(words[2]));
    if (inet_pton(AF_INET, words[1], &server.sin_addr) != 1 || ntohl(server.sin_addr.s_addr) >> 24 != 127) {
        fprintf(stderr, "load: loopback only\n");
        return 2;
    }
    char host[300];
    if (given > 5) snprintf(host, sizeof host, "%s", words[5]);
    else snprintf(host, sizeof host, "%s:%s", words[1], words[2]);
    handshake_length = snprintf(handshake, sizeof handshake,
        "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0\r\nUpgrade: websocket\r\n"
        "Origin: http://localhost\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br\r\n"
        "Accept-Language: en-US,en;q=0.9\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", words[3], host);
    key = strstr(handshake, "dGhlIHNh");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ready[BATCH];
    watch(0, EPOLLIN, UINT32_MAX, EPOLL_CTL_ADD);
    int have = 0;
    for (;;) {
        int n = epoll_wait(epoll, ready, BATCH, -1);
        for (int i = 0; i < n; i++) {
            uint32_t mark = ready[i].data.u32;
            if (mark < MOST && clients[mark].state == OPEN) take(&clients[mark]);
            if (mark != UINT32_MAX) continue;
            ssize_t got = read(0, command + have, sizeof command - 1 - have);
            if (got <= 0) return 0;
            have += got;
            command[have] = 0;
            char *end;
            watch(0, 0, UINT32_MAX, EPOLL_CTL_DEL);
            while ((end = strchr(command, '\n'))) {
                *end = 0;
                if (!obey(command)) return 0;
                have -= end + 1 - command;
                memmove(command, end + 1, have + 1);
            }
            watch(0, EPOLLIN, UINT32_MAX, EPOLL_CTL_ADD);
        }
    }
}
