-- Files that people have: Office documents, PDF, EPUB, tables and notebooks; and pages, where a format has them.

alter table app.document_versions
    drop constraint document_versions_media_type_check,
    add constraint document_versions_media_type_check check (media_type in (
        'text/markdown',
        'text/html',
        'text/plain',
        'text/x-rst',
        'text/asciidoc',
        'application/vnd.oai.openapi',
        'text/x-source',
        'text/csv',
        'text/tab-separated-values',
        'application/x-ipynb+json',
        'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
        'application/vnd.openxmlformats-officedocument.presentationml.presentation',
        'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
        'application/epub+zip',
        'application/pdf'
    ));
comment on column app.document_versions.media_type is
    'What the bytes are: a media type, of which text/x-source stands for programs and data that are kept line by line';

alter table app.chunks
    add column page int,
    add constraint chunks_page_check check (page >= 1);
comment on column app.chunks.page is 'Page or slide of the original on which it begins, from 1; null for formats without pages';
