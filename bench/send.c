/* What a broadcast costs at least: one send() after the other. */
#include <sys/socket.h>

int send_to_all(const int *fds, int count, const char *frame, int length) {
    int sent = 0;
    for (int i = 0; i < count; i++)
        if (send(fds[i], frame, length, MSG_NOSIGNAL | MSG_DONTWAIT) == length) sent++;
    return sent;
}
