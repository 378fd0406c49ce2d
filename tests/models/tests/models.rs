//! Checks each model of the inbox. With `--nocapture` it prints how many executions that took.

use reacton_models::models;

macro_rules! checked {
    ($($model:ident),+ $(,)?) => {
        $(
            #[test]
            fn $model() {
                println!("{}: {} executions", stringify!($model), models::$model());
            }
        )+
    };
}

checked!(
    a_task_misses_nothing,
    a_task_misses_no_item_of_a_burst,
    an_arrival_wakes_each_task,
    a_callback_is_called_once_for_a_burst,
    what_a_bounded_turn_leaves_is_notified,
    a_callback_that_is_added_late_mutes_no_other_listener,
    a_thread_a_task_and_a_callback_are_all_woken,
    the_last_mailbox_ends_a_wait,
    a_close_wakes_tasks_and_drops_what_is_sent_meanwhile,
    a_cancelled_store_wakes_its_task,
    a_condition_is_checked_after_each_change,
    a_look_at_what_waits_hides_nothing,
    a_drain_waits_for_pending_work,
    what_happened_before_a_send_is_seen_after_it_is_taken,
);
