# frozen_string_literal: true

require_relative "hold"
%w[counter layout user guestbook].each do |name|
  require_relative "racy/#{name}"
  require_relative "safe/#{name}"
end

use Hold

map("/racy/counter") { run Racy::Counter }
map("/safe/counter") { run Safe::Counter }
map("/racy/layout") { run Racy::Layout }
map("/safe/layout") { run Safe::Layout }
map("/racy/user") { run Racy::User }
map("/safe/user") { run Safe::User }
map("/racy/guestbook") { run Racy::Guestbook }
map("/safe/guestbook") { run Safe::Guestbook }
