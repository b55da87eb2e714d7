# frozen_string_literal: true

desc "Run apps that others have written, moved from Puma to Kino and back (Debian's Redmine, rails new in Chromium)"
RSpec::Core::RakeTask.new("spec:long": :compile) do |task|
  # By name, since nothing else is to take them for specs of its own: they fetch packages, and take minutes.
  task.pattern = Rake::FileList["spec/long/{rails_new,redmine}.rb"]
end
