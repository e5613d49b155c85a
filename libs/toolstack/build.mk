# SPDX-License-Identifier: BSD-2-Clause
# What control and its tools share: messages for people, and the spelling of guests' values.
libs += toolstack
src-toolstack := libs/toolstack/guest_text.c libs/toolstack/msg.c libs/toolstack/uuid.c libs/toolstack/uuid_random.c
