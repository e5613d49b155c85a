domains += console
src-console := services/console/main.c services/console/textlog.c services/console/bootlog.c
use-console := svc ring caps sys
