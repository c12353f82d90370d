/* SPDX-License-Identifier: MIT */
/* crew_update.c: brings what runs to what the file says.
 *
 * Either as the reference does it, whole groups at a time; or live: a program is started
 * anew only for an option that needs it, takes up the others while it runs, and numprocs
 * touches the difference only. What stops first stops; then groups and processes are taken away,
 * changed and added in one go; nothing waits in between but for programs to end.
 */
#include "crew_priv.h"

#include "supervisor/core/cleanup.h"
#include "supervisor/core/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char ending_text[] = "the daemon is going down";
static const char gone_text[] = "changed meanwhile";

/* One process that is to end: it is removed, or replaced. */
struct leaver {
    struct process *process; /* a reference */
    struct crew_action *action;
    bool was_up; /* its successor is started */
};

struct plan {
    struct crew_action *actions;
    size_t n, cap;
    bool failed; /* out of memory */
};

static struct {
    struct plan plan;
    bool is_running;
    bool partial;    /* single processes */
    bool is_changed; /* everything was done; the last requests are on their way */
    struct leaver *leavers;
    size_t n_leavers;
    unsigned n_asked; /* requests that have not come back */
    void (*done)(const struct crew_action *actions, size_t n, void *arg);
    void *arg;
} update;

/* ---- the plan ---- */

void crew_actions_free(struct crew_action *actions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(actions[i].group);
        free(actions[i].process);
        free(actions[i].why);
        free(actions[i].error);
    }
    free(actions);
}

/* why is taken over. */
static struct crew_action *plan_add(struct plan *plan, enum crew_change change, const char *group,
                                    const char *process, char *why)
{
    if (plan->n == plan->cap) {
        size_t cap = plan->cap ? plan->cap * 2 : 16;
        struct crew_action *actions = reallocarray(plan->actions, cap, sizeof(*actions));
        if (!actions) {
            plan->failed = true;
            free(why);
            return NULL;
        }
        plan->actions = actions;
        plan->cap = cap;
    }
    struct crew_action *action = &plan->actions[plan->n++];
    *action = (struct crew_action){ .change = change, .group = strdup(group), .why = why };
    action->process = process ? strdup(process) : NULL;
    plan->failed |= !action->group || (process && !action->process);
    return action;
}

static void plan_error(struct plan *plan, enum crew_change change, const char *group,
                       const char *process, const char *error)
{
    struct crew_action *action = plan_add(plan, change, group, process, NULL);
    if (action)
        action->error = strdup(error);
}

static bool is_listed(char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; list && i < n; i++) {
        if (strcmp(list[i], name) == 0)
            return true;
    }
    return !list;
}

static const struct process_config *find_config(const struct group_config *read, const char *name)
{
    for (size_t i = 0; i < read->n_processes; i++) {
        if (strcmp(read->processes[i].name, name) == 0)
            return &read->processes[i];
    }
    return NULL;
}

static struct process *find_process(const struct group *group, const char *name)
{
    for (size_t i = 0; i < group->n_processes; i++) {
        if (strcmp(group->processes[i]->config->name, name) == 0)
            return group->processes[i];
    }
    return NULL;
}

static void plan_process(struct plan *plan, const struct group *group, const char *name,
                         const struct process_config *runs, const struct process_config *wanted)
{
    char *why = NULL;
    enum config_effect effect = process_config_compare(runs, wanted, &why);
    if (effect == CONFIG_SAME)
        return;
    enum crew_change change = effect == CONFIG_LIVE ? CREW_PROCESS_CHANGED : CREW_PROCESS_RESTARTED;
    (void)plan_add(plan, change, group->config->name, name, why);
}

/* What differs, process by process. */
static void plan_live(struct plan *plan, const struct group *group, const struct group_config *read)
{
    const char *what;
    enum config_effect effect = group_config_compare(group->config, read, &what);
    if (effect != CONFIG_SAME)
        (void)plan_add(plan, effect == CONFIG_LIVE ? CREW_GROUP_CHANGED : CREW_GROUP_RESTARTED,
                       read->name, NULL, strdup(what));
    if (effect == CONFIG_RESTART)
        return;
    for (size_t i = 0; i < group->n_processes; i++) {
        const struct process_config *runs = group->processes[i]->config;
        const struct process_config *wanted = find_config(read, runs->name);
        if (wanted)
            plan_process(plan, group, runs->name, runs, wanted);
        else
            (void)plan_add(plan, CREW_PROCESS_REMOVED, read->name, runs->name, NULL);
    }
    for (size_t i = 0; i < read->n_processes; i++) {
        if (!find_process(group, read->processes[i].name))
            (void)plan_add(plan, CREW_PROCESS_ADDED, read->name, read->processes[i].name, NULL);
    }
}

static void plan_group(struct plan *plan, const struct group_config *read, bool live)
{
    const struct group *group = process_table_find_group(read->name);
    char *why = NULL;
    if (!group)
        (void)plan_add(plan, CREW_GROUP_ADDED, read->name, NULL, NULL);
    else if (live)
        plan_live(plan, group, read);
    else if (crew_group_differs(group, read, &why))
        (void)plan_add(plan, CREW_GROUP_RESTARTED, read->name, NULL, why);
}

static void plan_groups(struct plan *plan, const struct config *read,
                        const struct crew_update_order *order)
{
    for (size_t i = 0; i < process_table.n_groups; i++) {
        const char *name = process_table.groups[i]->config->name;
        if (!config_find_group(read, name) && is_listed(order->groups, order->n_groups, name))
            (void)plan_add(plan, CREW_GROUP_REMOVED, name, NULL, NULL);
    }
    for (size_t i = 0; i < read->n_groups; i++) {
        if (is_listed(order->groups, order->n_groups, read->groups[i]->name))
            plan_group(plan, read->groups[i], order->live);
    }
}

static void plan_one(struct plan *plan, const struct config *read, const char *spec)
{
    struct group *group;
    struct process *process = NULL;
    if (process_table_resolve(spec, &group, &process) < 0 || !process) {
        plan_error(plan, CREW_PROCESS_CHANGED, spec, spec, "no such process");
        return;
    }
    const char *name = process->config->name, *what = NULL;
    const struct group_config *wanted = config_find_group(read, group->config->name);
    const struct process_config *config = wanted ? find_config(wanted, name) : NULL;
    if (!config)
        plan_error(plan, CREW_PROCESS_CHANGED, group->config->name, name,
                   "no longer in the configuration");
    else if (group_config_compare(group->config, wanted, &what) == CONFIG_RESTART)
        plan_error(plan, CREW_PROCESS_CHANGED, group->config->name, name,
                   "its whole group must be updated");
    else
        plan_process(plan, group, name, process->config, config);
}

static int plan_make(struct plan *plan, const struct config *read,
                     const struct crew_update_order *order)
{
    for (size_t i = 0; order->processes && i < order->n_processes; i++)
        plan_one(plan, read, order->processes[i]);
    if (!order->processes)
        plan_groups(plan, read, order);
    if (!plan->failed)
        return 0;
    crew_actions_free(plan->actions, plan->n);
    *plan = (struct plan){ 0 };
    return -ENOMEM;
}

int crew_update_preview(const struct crew_update_order *order, struct crew_action **ret_actions,
                        size_t *ret_n, char **ret_error)
{
    struct config *read = NULL;
    struct plan plan = { 0 };
    int r = crew_read(&read, ret_error);
    if (r < 0)
        return r;
    r = plan_make(&plan, read, order);
    config_free(read);
    *ret_actions = plan.actions;
    *ret_n = plan.n;
    return r;
}

/* ---- stopping ---- */

static void fail_action(struct crew_action *action, const char *error)
{
    if (!action->error)
        action->error = strdup(error);
}

static void request_handled(struct request *r)
{
    (void)r;
    update.n_asked--; /* the step comes with the loop's next pass */
    loop_wake(crew.loop);
}

static void stop_leaver(struct process *p, struct crew_action *action)
{
    struct leaver *leaver = &update.leavers[update.n_leavers++];
    *leaver = (struct leaver){ .process = process_ref(p), .action = action };
    leaver->was_up = process_is_busy(p);
    struct request *r = request_new(REQUEST_STOP, request_handled, NULL);
    if (r && process_post(p, r) == 0)
        update.n_asked++;
    else
        request_free(r); /* it has no worker, and so no child */
}

static void stop_leavers_of(struct crew_action *action)
{
    struct group *group = process_table_find_group(action->group);
    if (!group || action->error)
        return;
    struct process *p = action->process ? find_process(group, action->process) : NULL;
    if (action->change == CREW_PROCESS_REMOVED || action->change == CREW_PROCESS_RESTARTED) {
        if (p)
            stop_leaver(p, action);
        return;
    }
    if (action->change != CREW_GROUP_REMOVED && action->change != CREW_GROUP_RESTARTED)
        return;
    struct process **list = crew_group_by_priority(group);
    for (size_t i = group->n_processes; i > 0; i--)
        stop_leaver(list ? list[i - 1] : group->processes[i - 1], action);
    free(list);
}

static size_t count_all(void)
{
    size_t n = 0;
    for (size_t i = 0; i < process_table.n_groups; i++)
        n += process_table.groups[i]->n_processes;
    return n;
}

/* One that obeys nobody is not waited for. */
static bool all_have_ended(void)
{
    for (size_t i = 0; i < update.n_leavers; i++) {
        struct process *p = update.leavers[i].process;
        if (process_state(p) == PROCESS_UNKNOWN)
            fail_action(update.leavers[i].action, "could not be stopped");
        else if (process_is_busy(p))
            return false;
    }
    return true;
}

static struct leaver *find_leaver(const struct process *p)
{
    for (size_t i = 0; i < update.n_leavers; i++) {
        if (update.leavers[i].process == p && !update.leavers[i].action->error)
            return &update.leavers[i];
    }
    return NULL;
}

/* ---- one group, live ---- */

struct change_over {
    struct group *group;
    struct group_config *read;
    struct process **next; /* the group's processes afterwards */
    size_t n_next;
    struct process **launch; /* of these the new ones that are to run */
    size_t n_launch;
};

static struct crew_action *find_action(const char *group, const char *process)
{
    for (size_t i = 0; i < update.plan.n; i++) {
        struct crew_action *action = &update.plan.actions[i];
        if (strcmp(action->group, group) == 0 && action->process && process &&
            strcmp(action->process, process) == 0)
            return action;
    }
    return NULL;
}

static void keep_process(struct change_over *over, struct process *p, size_t index)
{
    const struct process_config *wanted = &over->read->processes[index];
    over->next[over->n_next++] = p;
    if (p->config == wanted)
        return;
    if (process_reconfigure(p, over->read, index, request_handled, NULL) == 0)
        update.n_asked++;
}

static void make_process(struct change_over *over, size_t index, bool starts)
{
    const struct process_config *wanted = &over->read->processes[index];
    CLEANUP_FREE char *error = NULL;
    struct process *p = NULL;
    int r = crew_process_new(over->group, over->read, index, &p, &error);
    if (r < 0) {
        struct crew_action *action = find_action(over->read->name, wanted->name);
        if (action)
            fail_action(action, error ? error : strerror(-r));
        return;
    }
    crew_process_start_worker(p);
    over->next[over->n_next++] = p;
    if (starts)
        over->launch[over->n_launch++] = p;
}

/* The process of the new configuration's index: as it is, reconfigured, replaced or new. */
static void change_process(struct change_over *over, size_t index)
{
    const struct process_config *wanted = &over->read->processes[index];
    struct process *p = find_process(over->group, wanted->name);
    const struct leaver *leaver = p ? find_leaver(p) : NULL;
    struct crew_action *action = find_action(over->read->name, wanted->name);
    if (!p)
        make_process(over, index, wanted->autostart);
    else if (leaver)
        make_process(over, index, leaver->was_up);
    else if (action && action->error)
        over->next[over->n_next++] = p; /* it did not stop: it stays what it was */
    else
        keep_process(over, p, index);
}

/* Those that are not replaced: removed, or they did not stop. */
static void part_with_others(struct change_over *over, struct process **before, size_t n_before)
{
    for (size_t i = 0; i < n_before; i++) {
        bool stays = false;
        for (size_t j = 0; j < over->n_next && !stays; j++)
            stays = over->next[j] == before[i];
        if (!stays && find_leaver(before[i]))
            crew_process_retire(over->group, before[i]);
        else if (!stays)
            over->next[over->n_next++] = before[i];
    }
}

static void launch_new(const struct change_over *over)
{
    for (size_t i = 0; i < over->n_launch; i++)
        sequence_add(&crew.launches, over->launch[i]);
}

/* All of the group becomes what was read. */
static void change_group(struct group *group, struct group_config *read)
{
    size_t n = group->n_processes + read->n_processes + 1, n_before = group->n_processes;
    struct change_over over = { .group = group, .read = read };
    over.next = calloc(n, sizeof(struct process *));
    over.launch = calloc(n, sizeof(struct process *));
    if (!over.next || !over.launch) {
        log_crit("no memory to update group '%s'", group->config->name);
        free(over.next);
        free(over.launch);
        return;
    }
    for (size_t i = 0; i < read->n_processes; i++)
        change_process(&over, i);
    struct process **before = group->processes;
    group->processes = over.next;
    group->n_processes = over.n_next;
    part_with_others(&over, before, n_before);
    group->n_processes = over.n_next;
    free(before);
    struct group_config *old = group->config;
    group->config = group_config_ref(read);
    group_config_unref(old);
    process_table_changed();
    launch_new(&over);
    free(over.launch);
}

/* Only the processes of the plan; the group goes on as it was configured. */
static void change_single(struct group *group, struct group_config *read,
                          const struct crew_action *action)
{
    struct process *p = find_process(group, action->process);
    const struct process_config *wanted = find_config(read, action->process);
    if (!p || !wanted)
        return;
    size_t index = (size_t)(wanted - read->processes);
    struct process *slots[2], *launch[1];
    struct change_over over = { .group = group, .read = read, .next = slots, .launch = launch };
    const struct leaver *leaver = find_leaver(p);
    if (!leaver) {
        keep_process(&over, p, index);
        return;
    }
    make_process(&over, index, leaver->was_up);
    if (over.n_next == 0)
        return;
    for (size_t i = 0; i < group->n_processes; i++) {
        if (group->processes[i] == p)
            group->processes[i] = over.next[0];
    }
    process_table_changed();
    crew_process_retire(group, p);
    launch_new(&over);
}

/* ---- all that is to be done when everybody has ended ---- */

static void add_group(struct crew_action *action)
{
    CLEANUP_FREE char *error = NULL;
    struct group_config *read = config_find_group(crew.config, action->group);
    if (!read || process_table_find_group(action->group)) {
        fail_action(action, gone_text);
        return;
    }
    if (crew_group_add(read, &error) < 0)
        fail_action(action, error ? error : "out of memory");
    else
        crew_group_autostart(process_table_find_group(action->group));
}

static void remove_group(struct crew_action *action)
{
    struct group *group = process_table_find_group(action->group);
    if (!group)
        return;
    for (size_t i = 0; i < group->n_processes; i++) {
        if (process_is_busy(group->processes[i])) {
            fail_action(action, "still running");
            return;
        }
    }
    crew_group_remove(group, true);
}

static void remove_groups(void)
{
    for (size_t i = 0; i < update.plan.n; i++) {
        struct crew_action *action = &update.plan.actions[i];
        bool removes =
            action->change == CREW_GROUP_REMOVED || action->change == CREW_GROUP_RESTARTED;
        if (removes && !action->error)
            remove_group(action);
    }
}

static void add_groups(void)
{
    for (size_t i = 0; i < update.plan.n; i++) {
        struct crew_action *action = &update.plan.actions[i];
        bool adds = action->change == CREW_GROUP_ADDED || action->change == CREW_GROUP_RESTARTED;
        if (adds && !action->error)
            add_group(action);
    }
}

/* Is this the first action of its group that changes processes? They are all changed in one go. */
static bool is_first_of_group(size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(update.plan.actions[i].group, update.plan.actions[at].group) == 0)
            return false;
    }
    return true;
}

static void change_groups(void)
{
    for (size_t i = 0; i < update.plan.n; i++) {
        struct crew_action *action = &update.plan.actions[i];
        if (action->change < CREW_GROUP_CHANGED)
            continue;
        struct group *group = process_table_find_group(action->group);
        struct group_config *read = config_find_group(crew.config, action->group);
        if (!group || !read)
            fail_action(action, gone_text);
        else if (update.partial && !action->error)
            change_single(group, read, action);
        else if (!update.partial && is_first_of_group(i))
            change_group(group, read);
    }
}

/* ---- the update ---- */

static void clear(void)
{
    for (size_t i = 0; i < update.n_leavers; i++)
        process_unref(update.leavers[i].process);
    free(update.leavers);
    crew_actions_free(update.plan.actions, update.plan.n);
    update.leavers = NULL;
    update.n_leavers = 0;
    update.plan = (struct plan){ 0 };
    update.is_running = false;
    update.done = NULL;
}

static void finish(void)
{
    if (update.done)
        update.done(update.plan.actions, update.plan.n, update.arg);
    clear();
}

static void give_up(void)
{
    for (size_t i = 0; i < update.plan.n; i++)
        fail_action(&update.plan.actions[i], ending_text);
}

static void apply(void)
{
    remove_groups();
    change_groups();
    add_groups();
    update.is_changed = true;
    sequence_run(&crew.launches);
    crew_tell(NULL);
}

void crew_update_step(void)
{
    if (!update.is_running)
        return;
    if (crew.mood != DAEMON_RUNNING) {
        give_up();
        finish();
        return;
    }
    if (!update.is_changed && update.n_asked == 0 && all_have_ended())
        apply();
    if (update.is_changed && update.n_asked == 0)
        finish();
}

void crew_update_reset(void)
{
    update.done = NULL;
    clear();
}

void crew_update_forget(void *arg)
{
    if (update.is_running && update.arg == arg)
        update.done = NULL;
}

int crew_update(const struct crew_update_order *order,
                void (*done)(const struct crew_action *actions, size_t n, void *arg), void *arg,
                char **ret_error)
{
    struct config *read = NULL;
    struct plan plan = { 0 };
    *ret_error = NULL;
    if (update.is_running || update.n_asked > 0)
        return -EBUSY;
    int r = crew_read(&read, ret_error);
    if (r < 0)
        return r;
    r = plan_make(&plan, read, order);
    struct leaver *leavers = r == 0 ? calloc(count_all() + 1, sizeof(*leavers)) : NULL;
    if (!leavers) {
        crew_actions_free(plan.actions, plan.n);
        config_free(read);
        return -ENOMEM;
    }
    crew_keep(read);
    update.plan = plan;
    update.leavers = leavers;
    update.is_running = true;
    update.is_changed = false;
    update.partial = order->processes != NULL;
    update.done = done;
    update.arg = arg;
    for (size_t i = 0; i < update.plan.n; i++)
        stop_leavers_of(&update.plan.actions[i]);
    loop_wake(crew.loop);
    return 0;
}
