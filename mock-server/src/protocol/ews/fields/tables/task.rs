//! Fields of tasks.

use super::{
    BLIND, COMMON, DEFAULT, Field, Flag, GET, Id, Integer, KEEP, S, SET, Special, TASK as TASK_SET, Text, Texts, Time,
    f,
};

/// Fields of tasks.
pub(super) static TASK: [Field; 22] = [
    f("task:ActualWork", Integer(Id(TASK_SET, 0x8110)), SET),
    f("task:AssignedTime", Time(Id(TASK_SET, 0x8115)), 0),
    f("task:BillingInformation", Text(Id(COMMON, 0x8535)), SET),
    f("task:ChangeCount", Integer(Id(TASK_SET, 0x8112)), 0),
    f("task:Companies", Texts(Id(COMMON, 0x8539)), SET),
    f("task:CompleteDate", Time(Id(TASK_SET, 0x810F)), SET),
    f("task:Contacts", Texts(Id(COMMON, 0x853A)), SET),
    f("task:DelegationState", Special(S::DelegationState), BLIND),
    f("task:Delegator", Text(Id(TASK_SET, 0x8121)), 0),
    f("task:DueDate", Time(Id(TASK_SET, 0x8105)), DEFAULT | SET),
    f("task:IsAssignmentEditable", Integer(Id(TASK_SET, 0x8118)), 0),
    f("task:IsComplete", Flag(Id(TASK_SET, 0x811C)), 0),
    f("task:IsRecurring", Flag(Id(TASK_SET, 0x8126)), 0),
    f("task:IsTeamTask", Flag(Id(TASK_SET, 0x8103)), 0),
    f("task:Mileage", Text(Id(COMMON, 0x8534)), SET),
    f("task:Owner", Text(Id(TASK_SET, 0x811F)), 0),
    f("task:PercentComplete", Special(S::PercentComplete), DEFAULT | SET | BLIND | KEEP),
    f("task:Recurrence", Special(S::Recurrence), SET | GET | BLIND),
    f("task:StartDate", Time(Id(TASK_SET, 0x8104)), DEFAULT | SET),
    f("task:Status", Special(S::TaskStatus), DEFAULT | SET | KEEP),
    f("task:StatusDescription", Special(S::StatusDescription), BLIND),
    f("task:TotalWork", Integer(Id(TASK_SET, 0x8111)), SET),
];
