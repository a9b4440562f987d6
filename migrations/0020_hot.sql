-- What makes the commonest requests few round trips: a session counts its changes, so that a copy of its last messages can be
-- told from a stale one; and what is hidden from a reader can be asked within any statement.

alter table app.sessions add column revision bigint not null default 0;
comment on column app.sessions.revision is 'Counts the messages that were added; a copy of the last ones kept elsewhere is good while it names this number';

create function app.hidden_collections(p_tenant uuid, p_member uuid) returns setof uuid
    language sql stable parallel safe
    begin atomic
        select cg.collection_id
        from app.collection_groups cg
        left join app.group_members gm
            on gm.tenant_id = cg.tenant_id
            and gm.group_id = cg.group_id
            and gm.member_id = p_member
        where cg.tenant_id = p_tenant
        group by cg.collection_id
        having count(gm.member_id) = 0
        union all
        select s.collection_id
        from app.sealed_collections s
        where s.tenant_id = p_tenant;
    end;
comment on function app.hidden_collections(uuid, uuid) is 'Collections limited to groups that the person is not in, gone ones included; for no person, all that are limited. Asked under the policies of who asks';
revoke execute on function app.hidden_collections(uuid, uuid) from public;
grant execute on function app.hidden_collections(uuid, uuid) to pidima_app;
