/* A path between two network namespaces: rate, delay, jitter, loss and a finite queue, each way alike.
 *
 * Usage: relay NAMESPACE_A NAMESPACE_B DEVICE RATE_MBPS DELAY_MS JITTER_MS LOSS QUEUE_BYTES SEGMENTS
 *
 * Makes a TUN device of that name in each namespace (paths below /run/netns), says "ready", and carries
 * packets from one to the other until SIGTERM; then it prints what it did, as JSON. A rate of 0 is no
 * limit. DELAY_MS is one way. LOSS is the share of packets lost. SEGMENTS 1 takes TCP's packets as large
 * as the kernel hands them out (up to 64 KiB, counted as the segments that a wire would carry): quicker by
 * far, but then a loss would take a whole large packet, so it is refused together with loss.
 *
 * A packet waits until the ones before it have left at the rate (a full queue drops it), and arrives a
 * delay later; jitter delays further but never changes the order. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { RING = 1 << 18, LARGEST = 70000, AT_ONCE = 64 };

struct packet {
    uint64_t departs_ns, arrives_ns;
    size_t length, wire_bytes;
    unsigned char *bytes;
};

/* One direction. Packets ring[first..end) are under way; those before `departed` have left the queue. */
struct way {
    int from, to;
    struct packet *ring;
    unsigned first, departed, end;
    uint64_t free_ns, last_arrival_ns, queued_bytes;
    uint64_t forwarded, lost, dropped;
};

static double bytes_per_ns, delay_ns, jitter_ns, loss;
static uint64_t queue_limit_bytes;
static int segments;
static volatile sig_atomic_t stopped;

static void stop(int signal_number) { (void)signal_number; stopped = 1; }

static void fail(const char *what) { perror(what); exit(1); }

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Uniform in [0, 1): xorshift64, seeded alike each time. */
static double uniform(void) {
    static uint64_t state = 88172645463325252u;
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return (double)(state >> 11) * (1.0 / 9007199254740992.0);
}

static int open_device(const char *namespace_path, const char *name) {
    struct ifreq request = {0};
    int network = open(namespace_path, O_RDONLY | O_CLOEXEC);
    if (network < 0 || setns(network, CLONE_NEWNET) < 0) fail(namespace_path);
    close(network);
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    request.ifr_flags = IFF_TUN | IFF_NO_PI | (segments ? IFF_VNET_HDR : 0);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0) fail("/dev/net/tun");
    if (segments && ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0) fail("TUNSETOFFLOAD");
    return device;
}

/* What the packet would take up on a wire: each segment has headers of its own. */
static size_t wire_bytes(const unsigned char *bytes, size_t length) {
    struct virtio_net_hdr header;
    if (!segments) return length;
    memcpy(&header, bytes, sizeof header);
    size_t packet = length - sizeof header;
    if (!header.gso_size || packet <= header.hdr_len) return packet;
    size_t count = (packet - header.hdr_len + header.gso_size - 1) / header.gso_size;
    return packet + (count - 1) * header.hdr_len;
}

static void leave_queue(struct way *way, uint64_t now) {
    while (way->departed != way->end && way->ring[way->departed % RING].departs_ns <= now)
        way->queued_bytes -= way->ring[way->departed++ % RING].wire_bytes;
}

static void deliver(struct way *way, uint64_t now) {
    leave_queue(way, now);
    for (; way->first != way->departed; way->first++) {
        struct packet *packet = &way->ring[way->first % RING];
        if (packet->arrives_ns > now) break;
        if (write(way->to, packet->bytes, packet->length) < 0) way->dropped++;
        else way->forwarded++;
        free(packet->bytes);
    }
}

static void take(struct way *way, const unsigned char *bytes, size_t length) {
    uint64_t now = now_ns();
    size_t size = wire_bytes(bytes, length);
    if (loss > 0 && uniform() < loss) { way->lost++; return; }
    leave_queue(way, now);
    int full = bytes_per_ns > 0 && way->queued_bytes + size > queue_limit_bytes;
    unsigned char *copy = full || way->end - way->first >= RING - 1 ? NULL : malloc(length);
    if (!copy) { way->dropped++; return; }
    memcpy(copy, bytes, length);
    uint64_t departs = now;
    if (bytes_per_ns > 0) {
        departs = (way->free_ns > now ? way->free_ns : now) + (uint64_t)((double)size / bytes_per_ns);
        way->free_ns = departs;
    }
    uint64_t arrives = departs + (uint64_t)(delay_ns + (jitter_ns > 0 ? jitter_ns * uniform() : 0));
    if (arrives < way->last_arrival_ns) arrives = way->last_arrival_ns;
    way->last_arrival_ns = arrives;
    way->queued_bytes += size;
    way->ring[way->end++ % RING] = (struct packet){departs, arrives, length, size, copy};
}

static void take_all(struct way *way) {
    static unsigned char buffer[LARGEST];
    for (int count = 0; count < AT_ONCE; count++) {
        ssize_t length = read(way->from, buffer, sizeof buffer);
        if (length <= 0) return;
        take(way, buffer, (size_t)length);
    }
}

/* Sleeps until a device has a packet or one under way is due. */
static void wait_for(struct way ways[2], struct pollfd ready[2], const sigset_t *mask) {
    uint64_t due = UINT64_MAX, now = now_ns();
    for (int i = 0; i < 2; i++) {
        ready[i] = (struct pollfd){ways[i].from, POLLIN, 0};
        if (ways[i].first == ways[i].end) continue;
        uint64_t arrives = ways[i].ring[ways[i].first % RING].arrives_ns;
        if (arrives < due) due = arrives;
    }
    uint64_t left = due > now ? due - now : 0;
    struct timespec patience = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    if (ppoll(ready, 2, due == UINT64_MAX ? NULL : &patience, mask) < 0) ready[0].revents = ready[1].revents = 0;
}

static void report(const struct way *way, const char *name, const char *after) {
    printf("\"%s\": {\"forwarded\": %llu, \"lost\": %llu, \"dropped\": %llu}%s", name,
           (unsigned long long)way->forwarded, (unsigned long long)way->lost,
           (unsigned long long)way->dropped, after);
}

int main(int count, char **words) {
    if (count != 10) { fprintf(stderr, "relay: nine arguments are needed; see relay.c\n"); return 2; }
    bytes_per_ns = atof(words[4]) * 1e6 / 8e9;
    delay_ns = atof(words[5]) * 1e6;
    jitter_ns = atof(words[6]) * 1e6;
    loss = atof(words[7]);
    queue_limit_bytes = strtoull(words[8], NULL, 10);
    segments = atoi(words[9]);
    if (segments && loss > 0) { fprintf(stderr, "relay: large packets and loss do not go together\n"); return 2; }
    int a = open_device(words[1], words[3]), b = open_device(words[2], words[3]);
    struct way ways[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
    for (int i = 0; i < 2; i++)
        if (!(ways[i].ring = calloc(RING, sizeof(struct packet)))) fail("calloc");
    struct sigaction action = {.sa_handler = stop};
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    sigaction(SIGTERM, &action, NULL);
    prctl(PR_SET_TIMERSLACK, 1);
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        struct pollfd ready[2];
        wait_for(ways, ready, &before);
        uint64_t now = now_ns();
        for (int i = 0; i < 2; i++) {
            deliver(&ways[i], now);
            if (ready[i].revents & POLLIN) take_all(&ways[i]);
        }
    }
    printf("{");
    report(&ways[0], "a_to_b", ", ");
    report(&ways[1], "b_to_a", "}\n");
    return 0;
}
