# frozen_string_literal: true

require "tempfile"

# `Tempfile#<<`, by which Rack stores an upload, and the other operators of a DelegateClass are made with define_method.
Repairs.add "delegated_operators", upstream: "none known" do |repair|
  repair.before do
    operators = Tempfile.superclass.instance_methods(false).grep_v(/\A\w+[?!]?\z/)
    methods = operators.map { |name| "def #{name}(...); __getobj__.__send__(:#{name}, ...); end" }
    Tempfile.superclass.class_eval(methods.join("\n"), __FILE__, __LINE__)
  end
end
